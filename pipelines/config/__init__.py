"""The region file: its sections, checked and given meaning."""
