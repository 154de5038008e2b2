"""The wire: what Kling's HTTP interface takes and gives. Knows no notebook and no file but input media."""
