"""A user's module; TFX copies all files beside it as well."""
