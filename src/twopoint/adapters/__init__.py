"""Thin bridges to other libraries; each module needs its own library and is imported by its own name, nothing is imported here."""
