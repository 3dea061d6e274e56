// Generated from chart/values.yaml by npm run gen-schema; do not edit.
import type { Values } from "./types.ts";

/** The chart's own defaults, unchecked: without a cluster name they are not yet legal. */
export const DEFAULTS: Values = {
  "enabled": true,
  "checkCRDs": true,
  "global": {
    "imageRegistry": "",
    "imagePullSecrets": [],
    "commonLabels": {},
    "commonAnnotations": {},
    "teleport": {
      "clusterName": "",
      "proxyAddr": "",
      "caSecret": "",
      "cluster": "",
      "bot": {
        "name": "istio-tbot"
      },
      "role": {
        "name": "istio-workload-identity-issuer",
        "maxSessionTTL": "1h"
      },
      "workloadIdentity": {
        "name": "istio-workloads",
        "labels": {
          "env": "dev",
          "part-of": "istio-teleport"
        },
        "allowedNamespaces": [],
        "sidecarsOnly": false
      },
      "join": {
        "tokenName": "istio-tbot-k8s-join",
        "type": "static_jwks",
        "issuer": ""
      }
    }
  },
  "istio": {
    "print": "",
    "injectionTemplate": "teleport",
    "injection": {
      "scope": "mesh",
      "namespaces": []
    },
    "pathNormalization": "NONE",
    "blockIstiodCertificates": true,
    "cni": false,
    "accessLog": false
  },
  "tbot": {
    "enabled": true,
    "nameOverride": "",
    "namespace": {
      "name": "teleport-system",
      "create": true,
      "labels": {}
    },
    "image": {
      "repository": "public.ecr.aws/gravitational/tbot-distroless",
      "tag": "18.11.10",
      "digest": "",
      "pullPolicy": "IfNotPresent",
      "pullSecrets": []
    },
    "serviceAccount": {
      "name": "tbot",
      "annotations": {}
    },
    "credentialTTL": "1h",
    "renewalInterval": "10m",
    "socket": {
      "hostPath": "/run/spire/sockets",
      "file": "socket",
      "mode": "hostPath",
      "transition": false
    },
    "csi": {
      "driverName": "csi.spiffe.io",
      "kubeletDir": "/var/lib/kubelet",
      "driverImage": "ghcr.io/spiffe/spiffe-csi-driver:0.2.12",
      "registrarImage": "registry.k8s.io/sig-storage/csi-node-driver-registrar:v2.17.0",
      "resources": {
        "requests": {
          "cpu": "10m",
          "memory": "16Mi"
        },
        "limits": {
          "memory": "64Mi"
        }
      }
    },
    "kubelet": {
      "authorization": "pods",
      "skipVerify": false,
      "caSecret": "",
      "caPath": "",
      "address": "hostIP"
    },
    "attestBinary": false,
    "debug": false,
    "logFormat": "json",
    "extraArgs": [],
    "extraConfig": {},
    "resources": {
      "requests": {
        "cpu": "50m",
        "memory": "128Mi"
      },
      "limits": {
        "memory": "512Mi"
      }
    },
    "priorityClassName": "system-node-critical",
    "resourceQuota": {
      "enabled": false,
      "pods": 5000
    },
    "networkPolicy": {
      "enabled": false,
      "metricsFrom": [],
      "extraEgress": []
    },
    "updateStrategy": {
      "type": "RollingUpdate",
      "rollingUpdate": {
        "maxUnavailable": 1
      }
    },
    "revisionHistoryLimit": 10,
    "terminationGracePeriodSeconds": 30,
    "livenessProbe": {
      "failureThreshold": 6,
      "periodSeconds": 10
    },
    "readinessProbe": {
      "periodSeconds": 5
    },
    "nodeSelector": {
      "kubernetes.io/os": "linux"
    },
    "tolerations": [
      {
        "operator": "Exists"
      }
    ],
    "affinity": {
      "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
          "nodeSelectorTerms": [
            {
              "matchExpressions": [
                {
                  "key": "eks.amazonaws.com/compute-type",
                  "operator": "NotIn",
                  "values": [
                    "fargate"
                  ]
                },
                {
                  "key": "type",
                  "operator": "NotIn",
                  "values": [
                    "virtual-kubelet"
                  ]
                }
              ]
            }
          ]
        }
      }
    },
    "hostAliases": [],
    "dnsPolicy": "ClusterFirst",
    "dnsConfig": {},
    "podSecurityContext": {},
    "securityContext": {},
    "extraVolumes": [],
    "extraVolumeMounts": [],
    "podLabels": {},
    "podAnnotations": {},
    "extraEnv": []
  },
  "mesh": {
    "enabled": true,
    "rootNamespace": "istio-system",
    "mtls": {
      "enabled": true,
      "mode": "STRICT"
    },
    "admission": {
      "enabled": true,
      "allowedHostPaths": []
    },
    "gatewayApi": {
      "enabled": true
    },
    "connections": {
      "maxDuration": "1h",
      "tcpMaxDuration": ""
    },
    "gateways": {},
    "applications": {}
  },
  "testApp": {
    "enabled": false,
    "namespace": {
      "name": "test-app",
      "create": true,
      "labels": {}
    },
    "server": {
      "image": "docker.io/mccutchen/go-httpbin:v2.15.0"
    },
    "client": {
      "image": "docker.io/curlimages/curl:8.16.0"
    },
    "imagePullPolicy": "IfNotPresent",
    "imagePullSecrets": []
  },
  "sockShop": {
    "enabled": false,
    "namespace": {
      "name": "sock-shop",
      "create": true,
      "labels": {}
    },
    "policies": "enforce",
    "frontEnd": {
      "callers": [
        {
          "anyone": true
        }
      ]
    },
    "images": {
      "front-end": "docker.io/weaveworksdemos/front-end:0.3.12",
      "catalogue": "docker.io/weaveworksdemos/catalogue:0.3.5",
      "catalogue-db": "docker.io/weaveworksdemos/catalogue-db:0.3.0",
      "carts": "docker.io/weaveworksdemos/carts:0.4.8",
      "carts-db": "docker.io/library/mongo:4.4.0",
      "orders": "docker.io/weaveworksdemos/orders:0.4.7",
      "orders-db": "docker.io/library/mongo:4.4.0",
      "payment": "docker.io/weaveworksdemos/payment:0.4.3",
      "queue-master": "docker.io/weaveworksdemos/queue-master:0.3.1",
      "rabbitmq": "docker.io/library/rabbitmq:3.6.8",
      "session-db": "docker.io/library/redis:7.2.6-alpine",
      "shipping": "docker.io/weaveworksdemos/shipping:0.4.8",
      "user": "docker.io/weaveworksdemos/user:0.4.7",
      "user-db": "docker.io/weaveworksdemos/user-db:0.3.0"
    },
    "imagePullPolicy": "IfNotPresent",
    "imagePullSecrets": []
  },
  "monitoring": {
    "enabled": false,
    "sidecars": true,
    "labels": {},
    "dashboardLabels": {
      "grafana_dashboard": "1"
    }
  },
  "watch": {
    "enabled": false,
    "image": "",
    "schedule": "*/15 * * * *",
    "suspend": false,
    "namespaces": [],
    "keyIds": [],
    "wait": "1m",
    "extraArgs": [],
    "resources": {
      "requests": {
        "cpu": "50m",
        "memory": "128Mi"
      },
      "limits": {
        "memory": "512Mi"
      }
    },
    "nodeSelector": {
      "kubernetes.io/os": "linux"
    },
    "tolerations": []
  }
};
