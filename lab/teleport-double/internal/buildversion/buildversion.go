// Package buildversion names the three programs of this module.
package buildversion

// Version is what `tctl version`, `tbot version` and the auth server's ping
// say. It never claims to be a Teleport release: what it plays is Teleport
// 18.11 as far as its published sources describe it (README.md).
const Version = "teleport-double (plays the contract of 18.11)"

// Contract is the version of that contract in semver's form, for the metric
// teleport_build_info; its build metadata says who really speaks.
const Contract = "18.11.0+teleport-double"
