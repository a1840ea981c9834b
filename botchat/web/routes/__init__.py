"""The page's HTTP routes for downloads: exports and attachments."""
