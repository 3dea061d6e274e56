/** Major and minor version of a program; nothing here depends on its patch level. */
export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** The version that a text such as "18.11.1", "v1.33.2+k3s1" or "19.0.0-rc.1" names; `undefined` if it names none. */
export function versionIn(text: string): Version | undefined {
  const [, major, minor] = /^v?(\d+)\.(\d+)\.\d+(?:[-+].*)?$/.exec(text.trim()) ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

/** Whether a version is older than another one. */
export function isBefore(version: Version, other: Version): boolean {
  return version.major < other.major || (version.major === other.major && version.minor < other.minor);
}

/** "18.11". */
export function versionText({ major, minor }: Version): string {
  return `${major}.${minor}`;
}
