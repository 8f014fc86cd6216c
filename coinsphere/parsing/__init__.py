"""Parses input from outside: numbers, JSON, pictures, and encodings of text files."""
