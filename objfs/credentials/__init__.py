"""Credentials that outlive their expiry: providers, the refresher, and one adapter per SDK.

Nothing is imported here: what one cloud's credentials need is imported where they are used.
"""
