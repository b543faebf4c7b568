# A stand-in: `bash tool.sh WORLD NAME WORD...`. Written in bash since it is started some hundred times.
world=$1 tool=$2
shift 2
line="$tool $*"
things=$world/things

piped=
for word in "$@"; do
  case $word in - | --password-stdin | @-) piped=$(</dev/stdin) ;; esac
done
{ printf '%s\037' "$tool" "$@"; printf '\035%s\036' "$piped"; } >> "$world/calls"

if [ -f "$world/refused" ] && [[ $line == *"$(<"$world/refused")"* ]]; then
  echo "An error occurred (AccessDenied): not authorized" >&2
  exit 254
fi
if [ -f "$world/fail" ] && [[ $line == *"$(<"$world/fail")"* ]]; then
  rm "$world/fail"
  echo "$tool: told to fail" >&2
  exit 3
fi

# What is asked of the tools themselves.
case $line in
  "aws --version") echo "aws-cli/2.31.4 Python/3.13.7 Linux/6.1 exe/x86_64"; exit ;;
  "sam --version") echo "SAM CLI, version 1.167.0"; exit ;;
  "eksctl version") echo "0.230.0"; exit ;;
  "kubectl version "*) echo "  gitVersion: v1.36.3"; exit ;;
  "helm version "*) echo "v3.19.0+g3d8990f"; exit ;;
  "docker version "*) echo "28.2.2"; exit ;;
  "openssl version") echo "OpenSSL 3.0.17 1 Jul 2025"; exit ;;
  "curl --version") echo "curl 8.14.1"; exit ;;
esac

stack=
[[ $line =~ --stack-name\ ([^ ]+) ]] && stack="stack ${BASH_REMATCH[1]}"
release=
[[ $line =~ (--install|status|uninstall)\ ([^ ]+) ]] && release="release ${BASH_REMATCH[2]}"
secret=
[[ $line =~ secret\ (generic )?.*(sre-platform-webhook|grafana-admin) ]] && secret="secret ${BASH_REMATCH[2]}"

# What has to be there.
case $line in
  "aws cloudformation describe-stacks "*) needed=$stack ;;
  "aws eks describe-access-entry "*) needed=entry ;;
  "aws eks describe-"*) needed=cluster ;;
  "aws ecr describe-images "*) needed=image\ ${line##*imageTag=} ;;
  "helm status "*) needed=$release ;;
  "kubectl -n apps get ingress "*) needed=ingress ;;
  "kubectl -n monitoring get secret "*) needed=$secret ;;
  "kubectl create "*) needed= ;;
  "kubectl get -k "*) needed=nodes ;;
  "kubectl -n kube-system rollout status "*) needed="release aws-load-balancer-controller" ;;
  "kubectl "*) needed=cluster ;;
  *) needed= ;;
esac
if [ -n "$needed" ] && [ ! -e "$things/$needed" ]; then
  case $tool in
    aws) echo "An error occurred (ResourceNotFoundException): $needed not found, or does not exist" >&2 ;;
    helm) echo "Error: release: not found" >&2 ;;
    *) [ -e "$things/cluster" ] && echo "Error from server (NotFound)" >&2 || echo "Unable to connect to the server" >&2 ;;
  esac
  exit 254
fi

# What is made and taken away.
case $line in
  "aws cloudformation deploy "*)
    : > "$things/$stack"
    [[ ! $line =~ LoadBalancer=([^ ]+)\ TargetGroup=([^ ]+) ]] || echo "${BASH_REMATCH[*]:1}" > "$world/watched"
    ;;
  "aws cloudformation delete-stack "* | "sam delete "*) rm -f "$things/$stack" ;;
  "aws eks delete-access-entry "*) rm "$things/entry" ;;
  "sam deploy "*)
    : > "$things/stack sre-platform"
    [[ ! $line =~ Heartbeat1=([^ ]+)\ Heartbeat2=([^ ]+)\ Heartbeat3=([^ ]+)\ Heartbeat4=([^ ]+) ]] \
      || (IFS=,; echo "${BASH_REMATCH[*]:1}") | tr -d '"' > "$world/heartbeats"
    ;;
  "docker push "*) : > "$things/image ${line##*:}" ;;
  "eksctl create cluster "*) : > "$things/cluster"; : > "$things/stack eksctl-sre-platform-cluster" ;;
  "eksctl delete cluster "*) rm "$things/cluster" "$things/stack eksctl-sre-platform-cluster" ;;
  "eksctl create accessentry "*) : > "$things/entry" ;;
  "helm upgrade "*) : > "$things/$release" ;;
  "helm uninstall "*) rm -f "$things/$release" ;;
  "kubectl create "*" secret "*) : > "$things/${secret:-secret}" ;;
  "kubectl kustomize "*/monitoring) cp "${line##* }/site.env" "$world/monitoring.env" ;;
  "kubectl apply -f "*/all.yaml) cp "${line##* }" "$world/monitoring.yaml" ;;
  "kubectl apply -k "*/overlays/production) : > "$things/ingress"; cp "${line##* }/site.env" "$world" ;;
  "aws eks update-kubeconfig "*) mkdir -p "${KUBECONFIG%/*}"; : > "$KUBECONFIG" ;;
  "kubectl -n monitoring delete secret "*) rm -f "$things/$secret" ;;
  "kubectl -n apps delete ingress "*) rm -f "$things/ingress" ;;
esac

# What is answered.
elb=arn:aws:elasticloadbalancing:us-east-1:111122223333
case $line in
  *"OutputKey=='RepositoryUri'"*) echo 111122223333.dkr.ecr.us-east-1.amazonaws.com/checkout ;;
  *"OutputKey=='WorkspaceId'"*) echo ws-0a1b2c3d ;;
  *"OutputKey=='RunbookActionSubnetIds'"*) echo subnet-1,subnet-2 ;;
  *"OutputKey=='RunbookActionSecurityGroupId'"*) echo sg-1 ;;
  *"OutputKey=='WatchedTargetGroup'"*) cat "$world/watched" ;;
  *"ParameterKey=='CloudWatchAlarms'"*) cat "$world/alarms heard" 2>/dev/null || echo on ;;
  *"(ParameterKey, 'Heartbeat')"*) cat "$world/heartbeats" 2>/dev/null || echo ,,, ;;
  "kubectl kustomize "*/monitoring) printf '  annotations:\n    dashboard_url: a\n    runbook_url: b\n' ;;
  *OutputKey==*) line=${line#*OutputKey==\'}; echo "the-${line%%\'*}" ;;
  *StackStatus*) echo CREATE_COMPLETE ;;
  "aws sts get-caller-identity "*) echo 111122223333 ;;
  *vpcId*) echo vpc-1 ;;
  *clusterSecurityGroupId*) echo sg-1 ;;
  *issuer*) echo https://oidc.eks.us-east-1.amazonaws.com/id/A1 ;;
  "aws eks describe-"*status*) echo ACTIVE ;;
  "aws ec2 describe-subnets "*) printf 'subnet-1\tsubnet-2\n' ;;
  "aws ec2 describe-route-tables "*) printf 'rtb-1\trtb-2\n' ;;
  "aws ec2 describe-managed-prefix-lists "*) echo pl-1 ;;
  "aws ecr get-login-password") echo SECRET-of-the-registry ;;
  "aws apigateway get-api-key "*) echo SECRET-of-the-webhook ;;
  "aws secretsmanager get-secret-value "*) echo SECRETofTheOriginSECRETofTheOrigin ;;
  "aws elbv2 describe-load-balancers "*) echo "$elb:loadbalancer/app/k8s-1/0a1b2c3d4e5f6071" ;;
  "aws elbv2 describe-target-groups "*) echo "$elb:targetgroup/$(cat "$world/target group" 2>/dev/null || echo k8s-2/0a1b2c3d4e5f6072)" ;;
  "openssl rand "*) echo SECRET-of-grafana ;;
  "kubectl -n apps get ingress checkout -o jsonpath"*) echo k8s-1.us-east-1.elb.amazonaws.com ;;
  *http_code*) printf 200 ;;
  "srectl runbooks list --json") echo '[{"state": "same"}]' ;;
  *"can-i list secrets"*) echo no; exit 1 ;;
esac
