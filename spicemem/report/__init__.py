"""The report: every result on one HTML page. `gather` finds or runs what it shows, `page` writes it."""
