package attestation

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gravitational/trace"
)

// containerIdentity says which container of which pod a process is in.
type containerIdentity struct {
	podUID      string
	containerID string
}

var (
	// containerIDPattern is 64 hexadecimal digits anywhere in the root.
	containerIDPattern = regexp.MustCompile(`[[:xdigit:]]{64}`)
	// podUIDPattern is "pod" and a UUID; systemd's cgroup driver writes
	// underscores for its dashes.
	podUIDPattern = regexp.MustCompile(`pod([[:xdigit:]]{8}([_-][[:xdigit:]]{4}){3}[_-][[:xdigit:]]{12})`)
)

// lookupContainer reads /proc/<pid>/mountinfo and looks at the root of the first
// mount of type cgroup or cgroup2 (Teleport workloadattest/container). proc is
// the directory of processes.
func lookupContainer(proc string, pid int) (containerIdentity, error) {
	root, err := cgroupMountRoot(filepath.Join(proc, strconv.Itoa(pid), "mountinfo"))
	if err != nil {
		return containerIdentity{}, trace.Wrap(err, "parsing mountinfo")
	}
	identity, err := parseCgroupRoot(root)
	return identity, trace.Wrap(err, "parsing cgroup mount (root: %q)", root)
}

// mountFields is the least number of fields of a line (k8s.io/mount-utils,
// ParseMountInfo). The optional fields may be missing; then there are 10.
const mountFields = 10

// cgroupMountRoot returns "" when there is no such mount.
func cgroupMountRoot(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", trace.ConvertSystemError(err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		// ID, parent, device, root, mount point, options, optional fields, "-",
		// type, source, super options (proc_pid_mountinfo(5)).
		if len(fields) < mountFields {
			return "", trace.BadParameter("wrong number of fields in (expected at least %d, got %d): %s", mountFields, len(fields), scanner.Text())
		}
		separator := slices.Index(fields, "-")
		if separator < 6 || separator+1 >= len(fields) {
			return "", trace.BadParameter("malformed mountinfo line %q", scanner.Text())
		}
		if fsType := fields[separator+1]; fsType == "cgroup" || fsType == "cgroup2" {
			return fields[3], nil
		}
	}
	return "", trace.ConvertSystemError(scanner.Err())
}

func parseCgroupRoot(root string) (containerIdentity, error) {
	containerID := containerIDPattern.FindString(root)
	if containerID == "" {
		return containerIdentity{}, trace.BadParameter("expected 2 matches searching for container ID but found 0")
	}
	match := podUIDPattern.FindStringSubmatch(root)
	if match == nil {
		return containerIdentity{}, trace.BadParameter("expected 2 matches searching for pod ID but found 0")
	}
	return containerIdentity{podUID: strings.ReplaceAll(match[1], "_", "-"), containerID: containerID}, nil
}
