"""The vault as a process of its own: with a Hub or without, its pages for browsers, and witnesses."""
