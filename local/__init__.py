"""The local stack: a real mongod, the AWS emulator with the real template deployed, an OIDC issuer, demo records."""
