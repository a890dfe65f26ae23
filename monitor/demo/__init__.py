"""The demo: invented news on a loopback server, receivers for mail and webhooks, and the real daemon between them."""
