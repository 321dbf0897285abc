"""Tests of the command line; `conftest` is this folder's own."""
