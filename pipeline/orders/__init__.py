"""Orders and people: proposals on disk, decisions about them, files for spreadsheets and ERPs."""
