"""Signs files with local keys and verifies signatures, in the format of OpenSSF Model Signing."""
