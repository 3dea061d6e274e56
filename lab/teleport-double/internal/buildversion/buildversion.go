// Package buildversion names the three programs of this module.
package buildversion

// Version is what `tctl version`, `tbot version` and the auth server's ping
// say. It never claims to be a Teleport release: what it plays is Teleport
// 18.11 as far as its published sources describe it (README.md).
const Version = "teleport-double (plays the contract of 18.11)"
