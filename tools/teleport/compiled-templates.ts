// @ts-nocheck
// Generated from the templates beside it by npm run gen-schema; do not edit.
export const TEMPLATES = {
  "bot": {"0":function(container,depth0,helpers,partials,data) {
    return "apiVersion: resources.teleport.dev/v1\nkind: TeleportBotV1\n";
},"1":function(container,depth0,helpers,partials,data) {
    return "kind: bot\nversion: v1\n";
},"compiler":[8,">= 4.3.0"],"main":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), alias2=container.strict, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "# The identity of tbot itself. Teleport makes a user and a role named bot-<name> with it.\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"operator"),{"name":"if","hash":{},"fn":container.program(0, data, 0),"inverse":container.program(1, data, 0),"data":data,"loc":{"start":{"line":2,"column":0},"end":{"line":8,"column":7}}})) != null ? stack1 : "")
    + "metadata:\n  name: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":10,"column":10},"end":{"line":10,"column":15}} )).call(alias1,lookupProperty(depth0,"botName"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":10,"column":8},"end":{"line":10,"column":25}}})) != null ? stack1 : "")
    + "\nspec:\n  roles: ["
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":12,"column":12},"end":{"line":12,"column":17}} )).call(alias1,lookupProperty(depth0,"roleName"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":12,"column":10},"end":{"line":12,"column":28}}})) != null ? stack1 : "")
    + "]\n";
},"useData":true},
  "role": {"0":function(container,depth0,helpers,partials,data) {
    return "apiVersion: resources.teleport.dev/v1\nkind: TeleportRoleV7\n";
},"1":function(container,depth0,helpers,partials,data) {
    return "kind: role\nversion: v7\n";
},"2":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=container.strict, alias2=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "      "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias1(depth0, "quote", {"start":{"line":19,"column":8},"end":{"line":19,"column":13}} )).call(alias2,lookupProperty(data,"key"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":19,"column":6},"end":{"line":19,"column":20}}})) != null ? stack1 : "")
    + ": ["
    + ((stack1 = (lookupProperty(helpers,"quote")||alias1(depth0, "quote", {"start":{"line":19,"column":25},"end":{"line":19,"column":30}} )).call(alias2,depth0,{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":19,"column":23},"end":{"line":19,"column":37}}})) != null ? stack1 : "")
    + "]\n";
},"compiler":[8,">= 4.3.0"],"main":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), alias2=container.strict, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "# Lets the bot issue every workload identity with these labels, and nothing else. Both parts are needed: the labels\n# choose which workload identities, the rule allows reading them.\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"operator"),{"name":"if","hash":{},"fn":container.program(0, data, 0),"inverse":container.program(1, data, 0),"data":data,"loc":{"start":{"line":3,"column":0},"end":{"line":9,"column":7}}})) != null ? stack1 : "")
    + "metadata:\n  name: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":11,"column":10},"end":{"line":11,"column":15}} )).call(alias1,lookupProperty(depth0,"roleName"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":11,"column":8},"end":{"line":11,"column":26}}})) != null ? stack1 : "")
    + "\nspec:\n  options:\n    # Without it, a stolen credential of the bot can be renewed for 24 hours or more.\n    max_session_ttl: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":15,"column":23},"end":{"line":15,"column":28}} )).call(alias1,lookupProperty(depth0,"maxSessionTtl"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":15,"column":21},"end":{"line":15,"column":44}}})) != null ? stack1 : "")
    + "\n  allow:\n    workload_identity_labels:\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"labels"),{"name":"each","hash":{},"fn":container.program(2, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":18,"column":0},"end":{"line":20,"column":9}}})) != null ? stack1 : "")
    + "    rules:\n      - resources: [workload_identity]\n        verbs: [read, list]\n";
},"useData":true},
  "token": {"0":function(container,depth0,helpers,partials,data) {
    return "apiVersion: resources.teleport.dev/v2\nkind: TeleportProvisionToken\n";
},"1":function(container,depth0,helpers,partials,data) {
    return "kind: token\nversion: v2\n";
},"2":function(container,depth0,helpers,partials,data) {
    var stack1, helper, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "    # Public keys of the cluster's ServiceAccount token signer. When the cluster changes them, tbot can join no longer:\n    # give the token both the old and the new keys before (gen-token --extra-jwks).\n    static_jwks:\n      jwks: |-\n        "
    + ((stack1 = (((helper = lookupProperty(helpers,"jwks") || container.strict(depth0, "jwks", {"start":{"line":22,"column":10},"end":{"line":22,"column":14}} ))),(typeof helper === "function" ? helper.call(depth0 != null ? depth0 : (container.nullContext || {}),{"name":"jwks","hash":{},"data":data,"loc":{"start":{"line":22,"column":8},"end":{"line":22,"column":16}}}) : helper))) != null ? stack1 : "")
    + "\n";
},"3":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "    # Teleport's Auth Service reads the keys from this issuer, which it must be able to reach.\n    oidc:\n      issuer: "
    + ((stack1 = (lookupProperty(helpers,"quote")||container.strict(depth0, "quote", {"start":{"line":27,"column":16},"end":{"line":27,"column":21}} )).call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"issuer"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":27,"column":14},"end":{"line":27,"column":30}}})) != null ? stack1 : "")
    + "\n";
},"4":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "      - service_account: "
    + ((stack1 = (lookupProperty(helpers,"quote")||container.strict(depth0, "quote", {"start":{"line":31,"column":27},"end":{"line":31,"column":32}} )).call(depth0 != null ? depth0 : (container.nullContext || {}),depth0,{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":31,"column":25},"end":{"line":31,"column":39}}})) != null ? stack1 : "")
    + "\n";
},"compiler":[8,">= 4.3.0"],"main":function(container,depth0,helpers,partials,data) {
    var stack1, helper, alias1=depth0 != null ? depth0 : (container.nullContext || {}), alias2=container.strict, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "# Lets tbot's pods join as the bot with their Kubernetes ServiceAccount tokens. It holds no secret.\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"operator"),{"name":"if","hash":{},"fn":container.program(0, data, 0),"inverse":container.program(1, data, 0),"data":data,"loc":{"start":{"line":2,"column":0},"end":{"line":8,"column":7}}})) != null ? stack1 : "")
    + "metadata:\n  name: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":10,"column":10},"end":{"line":10,"column":15}} )).call(alias1,lookupProperty(depth0,"tokenName"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":10,"column":8},"end":{"line":10,"column":27}}})) != null ? stack1 : "")
    + "\nspec:\n  roles: [Bot]\n  bot_name: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":13,"column":14},"end":{"line":13,"column":19}} )).call(alias1,lookupProperty(depth0,"botName"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":13,"column":12},"end":{"line":13,"column":29}}})) != null ? stack1 : "")
    + "\n  join_method: kubernetes\n  kubernetes:\n    type: "
    + ((stack1 = (((helper = lookupProperty(helpers,"type") || alias2(depth0, "type", {"start":{"line":16,"column":12},"end":{"line":16,"column":16}} ))),(typeof helper === "function" ? helper.call(alias1,{"name":"type","hash":{},"data":data,"loc":{"start":{"line":16,"column":10},"end":{"line":16,"column":18}}}) : helper))) != null ? stack1 : "")
    + "\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"jwks"),{"name":"if","hash":{},"fn":container.program(2, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":17,"column":0},"end":{"line":23,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"issuer"),{"name":"if","hash":{},"fn":container.program(3, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":24,"column":0},"end":{"line":28,"column":7}}})) != null ? stack1 : "")
    + "    allow:\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"serviceAccounts"),{"name":"each","hash":{},"fn":container.program(4, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":30,"column":0},"end":{"line":32,"column":9}}})) != null ? stack1 : "");
},"useData":true},
  "workload-identity": {"0":function(container,depth0,helpers,partials,data) {
    return "apiVersion: resources.teleport.dev/v1\nkind: TeleportWorkloadIdentityV1\n";
},"1":function(container,depth0,helpers,partials,data) {
    return "kind: workload_identity\nversion: v1\n";
},"2":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=container.strict, alias2=depth0 != null ? depth0 : (container.nullContext || {}), lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "    "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias1(depth0, "quote", {"start":{"line":14,"column":6},"end":{"line":14,"column":11}} )).call(alias2,lookupProperty(data,"key"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":14,"column":4},"end":{"line":14,"column":18}}})) != null ? stack1 : "")
    + ": "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias1(depth0, "quote", {"start":{"line":14,"column":22},"end":{"line":14,"column":27}} )).call(alias2,depth0,{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":14,"column":20},"end":{"line":14,"column":34}}})) != null ? stack1 : "")
    + "\n";
},"3":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "          # Only for a bot that joined with this cluster's token. Teleport knows it from the join, not from tbot's word.\n          - attribute: join.meta.join_token_name\n            eq:\n              value: "
    + ((stack1 = (lookupProperty(helpers,"quote")||container.strict(depth0, "quote", {"start":{"line":29,"column":23},"end":{"line":29,"column":28}} )).call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"onlyToken"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":29,"column":21},"end":{"line":29,"column":40}}})) != null ? stack1 : "")
    + "\n";
},"4":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "          # Only these namespaces, whatever else a stolen bot claims.\n          - attribute: workload.kubernetes.namespace\n            in:\n              values:\n"
    + ((stack1 = lookupProperty(helpers,"each").call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"onlyNamespaces"),{"name":"each","hash":{},"fn":container.program(5, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":36,"column":0},"end":{"line":38,"column":9}}})) != null ? stack1 : "");
},"5":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "                - "
    + ((stack1 = (lookupProperty(helpers,"quote")||container.strict(depth0, "quote", {"start":{"line":37,"column":20},"end":{"line":37,"column":25}} )).call(depth0 != null ? depth0 : (container.nullContext || {}),depth0,{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":37,"column":18},"end":{"line":37,"column":32}}})) != null ? stack1 : "")
    + "\n";
},"6":function(container,depth0,helpers,partials,data) {
    var stack1, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "          # Only Istio's proxies. It keeps out the other containers of a node, not who has stolen the bot.\n          - attribute: workload.kubernetes.container.name\n            eq:\n              value: "
    + ((stack1 = (lookupProperty(helpers,"quote")||container.strict(depth0, "quote", {"start":{"line":44,"column":23},"end":{"line":44,"column":28}} )).call(depth0 != null ? depth0 : (container.nullContext || {}),lookupProperty(depth0,"onlyContainer"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":44,"column":21},"end":{"line":44,"column":44}}})) != null ? stack1 : "")
    + "\n";
},"compiler":[8,">= 4.3.0"],"main":function(container,depth0,helpers,partials,data) {
    var stack1, alias1=depth0 != null ? depth0 : (container.nullContext || {}), alias2=container.strict, lookupProperty = container.lookupProperty || function(parent, propertyName) {
        if (Object.prototype.hasOwnProperty.call(parent, propertyName)) {
          return parent[propertyName];
        }
        return undefined
    };

  return "# What tbot issues: an X.509 certificate with a SPIFFE ID for each attested workload.\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"operator"),{"name":"if","hash":{},"fn":container.program(0, data, 0),"inverse":container.program(1, data, 0),"data":data,"loc":{"start":{"line":2,"column":0},"end":{"line":8,"column":7}}})) != null ? stack1 : "")
    + "metadata:\n  name: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":10,"column":10},"end":{"line":10,"column":15}} )).call(alias1,lookupProperty(depth0,"workloadIdentityName"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":10,"column":8},"end":{"line":10,"column":38}}})) != null ? stack1 : "")
    + "\n  # The role allows workload identities with exactly these labels.\n  labels:\n"
    + ((stack1 = lookupProperty(helpers,"each").call(alias1,lookupProperty(depth0,"labels"),{"name":"each","hash":{},"fn":container.program(2, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":13,"column":0},"end":{"line":15,"column":9}}})) != null ? stack1 : "")
    + "spec:\n  rules:\n    allow:\n      # Only what tbot found in the kubelet's list of pods. An attribute that is not set counts as \"\", so a workload\n      # without attestation gets nothing.\n      - conditions:\n          - attribute: workload.kubernetes.attested\n            eq:\n              value: \"true\"\n"
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"onlyToken"),{"name":"if","hash":{},"fn":container.program(3, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":25,"column":0},"end":{"line":30,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"onlyNamespaces"),{"name":"if","hash":{},"fn":container.program(4, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":31,"column":0},"end":{"line":39,"column":7}}})) != null ? stack1 : "")
    + ((stack1 = lookupProperty(helpers,"if").call(alias1,lookupProperty(depth0,"onlyContainer"),{"name":"if","hash":{},"fn":container.program(6, data, 0),"inverse":container.noop,"data":data,"loc":{"start":{"line":40,"column":0},"end":{"line":45,"column":7}}})) != null ? stack1 : "")
    + "  spiffe:\n    # spiffe://<cluster name> and this path: the form that Istio derives principals from. Teleport fills in the braces.\n    id: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":48,"column":10},"end":{"line":48,"column":15}} )).call(alias1,lookupProperty(depth0,"spiffeId"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":48,"column":8},"end":{"line":48,"column":26}}})) != null ? stack1 : "")
    + "\n    # Equal to the life that tbot asks for. Without it a stolen bot could have certificates of 24 hours issued.\n    x509:\n      maximum_ttl: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":51,"column":21},"end":{"line":51,"column":26}} )).call(alias1,lookupProperty(depth0,"x509MaximumTtl"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":51,"column":19},"end":{"line":51,"column":43}}})) != null ? stack1 : "")
    + "\n    jwt:\n      maximum_ttl: "
    + ((stack1 = (lookupProperty(helpers,"quote")||alias2(depth0, "quote", {"start":{"line":53,"column":21},"end":{"line":53,"column":26}} )).call(alias1,lookupProperty(depth0,"jwtMaximumTtl"),{"name":"quote","hash":{},"data":data,"loc":{"start":{"line":53,"column":19},"end":{"line":53,"column":42}}})) != null ? stack1 : "")
    + "\n";
},"useData":true},
};
