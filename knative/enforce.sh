#!/bin/sh
# The second step of a deployment, after the manifests of OVERLAY are applied: sh knative/enforce.sh [OVERLAY]
# Waits until the gate answers, then closes it; then the same for the function that looks at policies, if it is deployed. Where that
# one can't be had, this ends with 1 and a sentence, and the gate is closed all the same. May be run again at any time; skaffold runs
# it after each deploy.
#   OVERLAY            knative/overlays/default
#   TIMEOUT            seconds for each wait (300)
#   PROBE_NAMESPACE    a namespace that is not exempt, for the one dry run that shows that the gate answers (default)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
overlay=${1:-$here/overlays/default}
timeout=${TIMEOUT:-300}
gate_says=

kubectl() { command kubectl ${SKAFFOLD_KUBE_CONTEXT:+--context "$SKAFFOLD_KUBE_CONTEXT"} "$@"; }
ours() { kubectl --namespace portieris "$@"; }
say() { echo "portieris: $*"; }
fail() { say "$*$gate_says" >&2; exit 1; }
# wait_for SECONDS WHAT COMMAND…
wait_for() {
  left=$1 what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail "gave up waiting for $what"
    sleep 1
  done
}

# The steps below are about one function:
#   service    its Knative Service; its certificate is in the Secret $service-tls
#   webhook    its webhook configuration
#   component  the label app.kubernetes.io/component of that in the overlay
#   answered   the command that shows that it answers the API server
about_the_gate() {
  service=portieris webhook=mutatingwebhookconfiguration/image-admission-config component=webhook answered=gate_answered
}
about_validate() {
  service=portieris-validate webhook=validatingwebhookconfiguration/portieris-validate component=validate answered=validate_answered
}

# Its certificate, which every pod mounts, and its pods.
wait_for_pods() {
  wait_for "$timeout" "the certificate (kubectl -n portieris logs -l app.kubernetes.io/component=certificates --all-containers)" \
    ours get secret "$service-tls"
  say "waiting for the pods of $service"
  ours wait "ksvc/$service" --for=condition=Ready --timeout="${timeout}s" >/dev/null ||
    fail "the Knative Service $service is not ready: $(ours get ksvc "$service" -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}')"
}

# What stands in the webhook configuration: nothing yet, our webhook, or that of another Portieris (docs/migration.md). Without an
# answer this ends: what is closed must not be taken for new.
look_at_webhook() {
  called=$(kubectl get "$webhook" --ignore-not-found -o jsonpath='{.webhooks[*].clientConfig.service.name}')
  case $called in
    '') state=new ;;
    portieris-admission | portieris-validation) state=ours ;;
    *) state=foreign ;;
  esac
}

# The first policies, at installation only, and where there is none of that name: from then on they are the operator's.
make_first_policies() {
  kubectl wait --for=condition=Established --timeout="${timeout}s" crd -l app.kubernetes.io/name=portieris >/dev/null
  queue=$(kubectl --namespace knative-serving get configmap config-deployment -o jsonpath='{.data.queue-sidecar-image}' 2>/dev/null || true)
  queue=$(echo "${queue:-gcr.io/knative-releases/knative.dev/serving/cmd/queue}" | sed -e 's/@.*//' -e 's/:[^:/]*$//')
  say "the image of Knative's queue-proxy is $queue: a ClusterImagePolicy allows it"
  told=$(kubectl kustomize "$here/policies" |
    sed "s|gcr.io/knative-releases/knative.dev/serving/cmd/queue|$queue|" |
    kubectl create -f - 2>&1 >/dev/null | grep -v AlreadyExists || true)
  [ -z "$told" ] || fail "$told"
}

# The webhook configuration, with the caBundle as it stands there, or the authority of the Secret where none of ours does.
# The Namespace owns it, so that it goes with the namespace and never fails for want of what it calls.
render() { # failurePolicy
  live=$(kubectl get "$webhook" --ignore-not-found -o jsonpath='{.metadata.resourceVersion} {.webhooks[0].clientConfig.caBundle}') || return 1
  version=${live%% *} bundle=${live#* }
  if [ "$state" != ours ] || [ -z "$bundle" ]; then
    bundle=$(ours get secret "$service-tls" -o jsonpath='{.data.ca\.crt}') || return 1
  fi
  kubectl kustomize "$overlay/webhook" |
    kubectl create --dry-run=client -o json -l "app.kubernetes.io/component=$component" -f - |
    kubectl patch --local -f - --type=json -o json -p "[
      {\"op\":\"add\",\"path\":\"/metadata/resourceVersion\",\"value\":\"$version\"},
      {\"op\":\"add\",\"path\":\"/metadata/ownerReferences\",\"value\":[
        {\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"name\":\"portieris\",\"uid\":\"$uid\"}]},
      {\"op\":\"add\",\"path\":\"/webhooks/0/clientConfig/caBundle\",\"value\":\"$bundle\"}
      ${1:+,{\"op\":\"replace\",\"path\":\"/webhooks/0/failurePolicy\",\"value\":\"$1\"\}}]"
}
# The resourceVersion makes this a conflict, and a second try, when the certificate job writes at the same moment.
apply() { render "${1:-}" | kubectl apply --server-side --force-conflicts --field-manager=portieris-enforce -f -; }
# Of another Portieris nothing stays, its selectors neither; from one moment to the next, with no gap between.
replace() { render | kubectl replace -f -; }
install_webhook() {
  if [ "$state" = new ]; then
    # Nothing depends on it before it is seen to answer by the way that reviews go: the first seconds of a Service lead nowhere.
    wait_for 20 "$webhook to be written" apply Ignore
    wait_for "$timeout" "an answer of $service to the API server" "$answered"
  elif [ "$state" = foreign ]; then
    say "taking $webhook over from another Portieris"
    wait_for 20 "$webhook to be replaced" replace
  fi
  state=ours
  wait_for 20 "$webhook to be written" apply
  wait_for 30 "an answer of $service to the API server" "$answered"
}

# An image name that no gate can read is refused whatever the policies say; the answer names the webhook that gave it.
gate_answered() {
  printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"portieris-probe"},"spec":{"containers":[{"name":"probe","image":"portieris.invalid/PROBE"}]}}' |
    kubectl --namespace "${PROBE_NAMESPACE:-default}" create --dry-run=server -f - 2>&1 |
    grep 'denied the request' | grep -q 'trust.hooks.securityenforcement'
}
# A pattern that fits the schema of the API server and is none.
validate_answered() {
  printf '{"apiVersion":"portieris.cloud.ibm.com/v1","kind":"ClusterImagePolicy","metadata":{"name":"portieris-probe"},"spec":{"repositories":[{"name":"portieris.invalid/PROBE"}]}}' |
    kubectl create --dry-run=server -f - 2>&1 | grep -q 'is invalid: spec.repositories\[0\].name'
}

# Older revisions: the ClusterIP Service selects the pods of every revision, so none may live on after a rollout.
end_older_revisions() {
  latest=$(ours get ksvc "$service" -o jsonpath='{.status.latestReadyRevisionName}')
  old=$(ours get revisions -l "serving.knative.dev/service=$service" -o name | grep -v "/$latest\$" || true)
  # shellcheck disable=SC2086 # names are words
  [ -z "$old" ] || ours delete $old --wait=false >/dev/null
}

uid=$(kubectl get namespace portieris -o jsonpath='{.metadata.uid}')

# 1. The certificates. A run that is there already is never in the way of another.
if ours get cronjob portieris-certificates >/dev/null 2>&1; then
  ours create job "portieris-certificates-$(date +%s)" --from=cronjob/portieris-certificates >/dev/null
fi

# 2. The gate.
about_the_gate
wait_for_pods
look_at_webhook
[ "$state" = ours ] || make_first_policies
install_webhook
end_older_revisions
say "closed: workloads outside the exempt namespaces are admitted by revision $latest"

# 3. The function that looks at policies, after the gate and never in its way.
about_validate
deployed=$(ours get ksvc "$service" --ignore-not-found -o name)
if [ -n "$deployed" ]; then
  gate_says='; the gate is closed, and policies can be written without being looked at'
  wait_for_pods
  look_at_webhook
  install_webhook
  end_older_revisions
  say "policies are looked at by revision $latest"
fi
