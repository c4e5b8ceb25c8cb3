"""Adapters to other libraries. Import each by its own name: it needs the library that it adapts to, so nothing is imported here."""
