/** A version of Teleport. */
export interface Version {
  major: number;
  minor: number;
}

/** The version that a text such as "18.11.1", "v18.11.1" or "19.0.0-rc.1" names; `undefined` when it names none. */
export function teleportVersion(text: string): Version | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\.\d+(?:[-+].*)?$/.exec(text) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

/** The minor version of Kubernetes 1: 33 for "v1.33.2+k3s1"; `undefined` for anything else. */
export function kubernetesMinor(text: string): number | undefined {
  const [, minor] = /^v1\.(\d+)/.exec(text) ?? [];
  return minor === undefined ? undefined : Number(minor);
}
