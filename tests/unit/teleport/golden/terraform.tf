# Lets the bot issue every workload identity with these labels, and nothing else. Both parts are needed: the labels
# choose which workload identities, the rule allows reading them.
resource "teleport_role" "istio-workload-identity-issuer" {
  version = "v7"
  metadata = {
    name = "istio-workload-identity-issuer"
  }
  spec = {
    options = {
      max_session_ttl = "1h0m0s"
    }
    allow = {
      workload_identity_labels = {
        env     = ["dev"]
        part-of = ["istio-teleport"]
      }
      rules = [{
        resources = ["workload_identity"]
        verbs     = ["read", "list"]
      }]
    }
  }
}

# The identity of tbot itself. Teleport makes a user and a role named bot-<name> with it.
resource "teleport_bot" "istio-tbot" {
  version = "v1"
  metadata = {
    name = "istio-tbot"
  }
  spec = {
    roles = ["istio-workload-identity-issuer"]
  }
}

# What tbot issues: an X.509 certificate with a SPIFFE ID for each attested workload.
resource "teleport_workload_identity" "istio-workloads" {
  version = "v1"
  metadata = {
    name = "istio-workloads"
    labels = {
      env     = "dev"
      part-of = "istio-teleport"
    }
  }
  spec = {
    rules = {
      allow = [{
        conditions = [{
          attribute = "workload.kubernetes.attested"
          eq = {
            value = "true"
          }
        }]
      }]
    }
    spiffe = {
      id = "/ns/{{ workload.kubernetes.namespace }}/sa/{{ workload.kubernetes.service_account }}"
      x509 = {
        maximum_ttl = "3600s"
      }
      jwt = {
        maximum_ttl = "3600s"
      }
    }
  }
}

# Lets tbot's pods join as the bot with their Kubernetes ServiceAccount tokens. It holds no secret.
resource "teleport_provision_token" "istio-tbot-k8s-join" {
  version = "v2"
  metadata = {
    name = "istio-tbot-k8s-join"
  }
  spec = {
    roles       = ["Bot"]
    bot_name    = "istio-tbot"
    join_method = "kubernetes"
    kubernetes = {
      type = "static_jwks"
      static_jwks = {
        jwks = "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"golden\",\"use\":\"sig\",\"alg\":\"ES256\",\"crv\":\"P-256\",\"x\":\"h1m7nmgc93A2hOFbTBvzVztfT4be-C37jz4lcfT2CJ8\",\"y\":\"0GDz4zlM4LGsYDGt2O2bNm8fR3fIW26suS_p2AGkC2o\"}]}"
      }
      allow = [{
        service_account = "teleport-system:tbot"
      }]
    }
  }
}
