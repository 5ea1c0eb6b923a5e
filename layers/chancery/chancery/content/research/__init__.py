"""Onboarding research and strategies: long texts from outside, without markup, and fenced in for prompts."""
