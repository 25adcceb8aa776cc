#!/bin/sh
# The second step of a deployment, after the manifests of OVERLAY are applied: sh knative/enforce.sh [OVERLAY]
# Waits until the gate answers, then closes it. May be run again at any time; skaffold runs it after each deploy.
#   OVERLAY            knative/overlays/default
#   TIMEOUT            seconds for each wait (300)
#   PROBE_NAMESPACE    a namespace that is not exempt, for the one dry run that shows that the gate answers (default)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
overlay=${1:-$here/overlays/default}
timeout=${TIMEOUT:-300}
webhook=image-admission-config

kubectl() { command kubectl ${SKAFFOLD_KUBE_CONTEXT:+--context "$SKAFFOLD_KUBE_CONTEXT"} "$@"; }
gate() { kubectl --namespace portieris "$@"; }
say() { echo "portieris: $*"; }
fail() { say "$*" >&2; exit 1; }
# wait_for SECONDS WHAT COMMAND…
wait_for() {
  left=$1 what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail "gave up waiting for $what"
    sleep 1
  done
}

# 1. The certificate, which every pod mounts. A run that is there already is never in the way of another.
if gate get cronjob portieris-certificates >/dev/null 2>&1; then
  gate create job "portieris-certificates-$(date +%s)" --from=cronjob/portieris-certificates >/dev/null
fi
wait_for "$timeout" "the certificate (kubectl -n portieris logs -l app.kubernetes.io/component=certificates)" \
  gate get secret portieris-tls

# 2. The pods.
say "waiting for the pods"
gate wait ksvc/portieris --for=condition=Ready --timeout="${timeout}s" >/dev/null ||
  fail "the Knative Service is not ready: $(gate get ksvc portieris -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}')"

# What stands in the webhook configuration: nothing yet, our webhook, or that of another Portieris (docs/migration.md).
case $(kubectl get mutatingwebhookconfiguration "$webhook" -o jsonpath='{.webhooks[*].clientConfig.service.name}') in
  '') state=new ;;
  portieris-admission) state=ours ;;
  *) state=foreign ;;
esac

# 3. The first policies, at installation only, and where there is none of that name: from then on they are the operator's.
if [ "$state" != ours ]; then
  kubectl wait --for=condition=Established --timeout="${timeout}s" crd -l app.kubernetes.io/name=portieris >/dev/null
  queue=$(kubectl --namespace knative-serving get configmap config-deployment -o jsonpath='{.data.queue-sidecar-image}' 2>/dev/null || true)
  queue=$(echo "${queue:-gcr.io/knative-releases/knative.dev/serving/cmd/queue}" | sed -e 's/@.*//' -e 's/:[^:/]*$//')
  say "the image of Knative's queue-proxy is $queue: a ClusterImagePolicy allows it"
  told=$(kubectl kustomize "$here/policies" |
    sed "s|gcr.io/knative-releases/knative.dev/serving/cmd/queue|$queue|" |
    kubectl create -f - 2>&1 >/dev/null | grep -v AlreadyExists || true)
  [ -z "$told" ] || fail "$told"
fi

# 4. The webhook configuration, with the caBundle as it stands there, or the authority of the Secret where none of ours does.
# The Namespace owns it, so that it goes with the namespace and never fails for want of the gate.
uid=$(kubectl get namespace portieris -o jsonpath='{.metadata.uid}')
render() { # failurePolicy
  live=$(kubectl get mutatingwebhookconfiguration "$webhook" -o jsonpath='{.metadata.resourceVersion} {.webhooks[0].clientConfig.caBundle}')
  version=${live%% *} bundle=${live#* }
  if [ "$state" != ours ] || [ -z "$bundle" ]; then bundle=$(gate get secret portieris-tls -o jsonpath='{.data.ca\.crt}'); fi
  kubectl kustomize "$overlay/webhook" | kubectl patch --local -f - --type=json -o json -p "[
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
# An image name that no gate can read is refused whatever the policies say; the answer names the webhook that gave it.
answered() {
  printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"portieris-probe"},"spec":{"containers":[{"name":"probe","image":"portieris.invalid/PROBE"}]}}' |
    kubectl --namespace "${PROBE_NAMESPACE:-default}" create --dry-run=server -f - 2>&1 |
    grep 'denied the request' | grep -q 'trust.hooks.securityenforcement'
}
if [ "$state" = new ]; then
  # Not closed before it is seen to answer by the way that admissions go: the first seconds of a Service lead nowhere.
  wait_for 20 "the webhook configuration to be written" apply Ignore
  wait_for "$timeout" "an answer of the gate to the API server" answered
elif [ "$state" = foreign ]; then
  say "taking the webhook configuration over from another Portieris"
  wait_for 20 "the webhook configuration to be replaced" replace
fi
state=ours
wait_for 20 "the webhook configuration to be written" apply
wait_for 30 "an answer of the gate to the API server" answered

# 5. Older revisions: the Service selects the pods of every revision, so none may live on after a rollout.
latest=$(gate get ksvc portieris -o jsonpath='{.status.latestReadyRevisionName}')
old=$(gate get revisions -l serving.knative.dev/service=portieris -o name | grep -v "/$latest\$" || true)
# shellcheck disable=SC2086 # names are words
[ -z "$old" ] || gate delete $old --wait=false >/dev/null
say "closed: workloads outside the exempt namespaces are admitted by revision $latest"
