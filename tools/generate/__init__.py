"""Writes what follows from the declarations: blocks of template.yaml and of the README, reference documents."""
