/** An object as the fake API server keeps it. */
export interface FakeObject {
  apiVersion?: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: object[];
  };
  [key: string]: unknown;
}

/** A release as the fake Helm keeps it. */
export interface FakeRelease {
  namespace: string;
  chart: string;
  status: string;
  revision: number;
  updated: string;
  values: unknown;
  manifest: string;
}

/** A resource as the fake Teleport keeps it. */
export interface FakeResource {
  kind: string;
  metadata: { name: string };
}

/** All that the fake programs know; a test changes it to set the scene. */
export interface FakeState {
  kubernetes: string;
  /** Names of releases → the release. */
  releases: Record<string, FakeRelease>;
  objects: FakeObject[];
  /** Kinds whose objects are gone although a release has them. */
  missing: string[];
  /** Rights that are refused, by resource. */
  forbidden: string[];
  jwks: string;
  tbotReady: number;
  teleport: { clusterName: string; version: string; resources: FakeResource[] };
  /** Programs that fail when a call contains the text: how. */
  failures: Failure[];
}

export interface Failure {
  when: string;
  how: "error" | "killed" | "interrupted";
  says: string;
}

/** One call of a fake program. */
export interface FakeCall {
  /** Program and arguments, joined by blanks. */
  line: string;
  args: readonly string[];
  stdin: string;
}

/** What a fake program printed, and when it failed what it said. */
export interface Said {
  stdout?: string;
  stderr?: string;
}

/** The value of `--name=value`. */
export function flagOf({ args }: Pick<FakeCall, "args">, name: string): string | undefined {
  return args.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
}
