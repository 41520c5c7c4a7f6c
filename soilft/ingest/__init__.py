"""From native granules to the input stores."""
