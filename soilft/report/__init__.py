"""The validation report: one page of figures, tables and sections."""
