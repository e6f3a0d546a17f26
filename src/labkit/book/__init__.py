"""The illustrated book: solved labs, executed once, as web pages and figures of merit."""
