// Package buildversion names the three programs of this module.
package buildversion

import (
	"cmp"
	"os"
)

// Version is what `tctl version`, `tbot version` and the auth server's ping
// say. It never claims to be a Teleport release: what it plays is Teleport
// 18.11 as far as its published sources describe it (README.md).
const Version = "teleport-double (plays the contract of 18.11)"

// contract is the version of that contract in semver's form; its build metadata
// says who really speaks.
const contract = "18.11.0+teleport-double"

// Contract is what the metric teleport_build_info says. TELEPORT_DOUBLE_CONTRACT
// names another version, for tests of what is made of an older tbot; nothing
// else behaves otherwise.
func Contract() string { return cmp.Or(os.Getenv("TELEPORT_DOUBLE_CONTRACT"), contract) }
