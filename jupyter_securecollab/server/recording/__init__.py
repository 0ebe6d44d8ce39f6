"""What is executed, by whom and how it went: watched, asked about, written down first and then recorded."""
