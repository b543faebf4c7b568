"""The fields that the API of Kubernetes has, by the names of its Python client's models.

What ``manifest.schema.json`` says of a field is what an action looks at; that there is no other
field than these is said here, for all that a manifest may hold besides. A test holds it against
the client.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FIELDS"]

_NAMES = {
    "V1Container": (
        "args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports "
        "readinessProbe resizePolicy resources restartPolicy restartPolicyRules securityContext "
        "startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty "
        "volumeDevices volumeMounts workingDir"
    ),
    "V1ContainerState": "running terminated waiting",
    "V1ContainerStateTerminated": "containerID exitCode finishedAt message reason signal startedAt",
    "V1ContainerStateWaiting": "message reason",
    "V1ContainerStatus": (
        "allocatedResources allocatedResourcesStatus containerID image imageID lastState name "
        "ready resources restartCount started state stopSignal user volumeMounts"
    ),
    "V1ControllerRevision": "apiVersion data kind metadata revision",
    "V1CronJob": "apiVersion kind metadata spec status",
    "V1CronJobSpec": (
        "concurrencyPolicy failedJobsHistoryLimit jobTemplate schedule startingDeadlineSeconds "
        "successfulJobsHistoryLimit suspend timeZone"
    ),
    "V1DaemonSetCondition": "lastTransitionTime message reason status type",
    "V1DaemonSetSpec": "minReadySeconds revisionHistoryLimit selector template updateStrategy",
    "V1DaemonSetStatus": (
        "collisionCount conditions currentNumberScheduled desiredNumberScheduled numberAvailable "
        "numberMisscheduled numberReady numberUnavailable observedGeneration "
        "updatedNumberScheduled"
    ),
    "V1DaemonSetUpdateStrategy": "rollingUpdate type",
    "V1Deployment": "apiVersion kind metadata spec status",
    "V1DeploymentCondition": "lastTransitionTime lastUpdateTime message reason status type",
    "V1DeploymentSpec": (
        "minReadySeconds paused progressDeadlineSeconds replicas revisionHistoryLimit selector "
        "strategy template"
    ),
    "V1DeploymentStatus": (
        "availableReplicas collisionCount conditions observedGeneration readyReplicas replicas "
        "terminatingReplicas unavailableReplicas updatedReplicas"
    ),
    "V1DeploymentStrategy": "rollingUpdate type",
    "V1EnvVar": "name value valueFrom",
    "V1Job": "apiVersion kind metadata spec status",
    "V1JobCondition": "lastProbeTime lastTransitionTime message reason status type",
    "V1JobSpec": (
        "activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions "
        "managedBy manualSelector maxFailedIndexes parallelism podFailurePolicy "
        "podReplacementPolicy scheduling selector successPolicy suspend template "
        "ttlSecondsAfterFinished"
    ),
    "V1JobStatus": (
        "active completedIndexes completionTime conditions failed failedIndexes ready startTime "
        "succeeded terminating uncountedTerminatedPods"
    ),
    "V1LabelSelector": "matchExpressions matchLabels",
    "V1LabelSelectorRequirement": "key operator values",
    "V1Node": "apiVersion kind metadata spec status",
    "V1NodeAddress": "address type",
    "V1NodeCondition": "lastHeartbeatTime lastTransitionTime message reason status type",
    "V1NodeSpec": (
        "configSource externalID podCIDR podCIDRs podPreemptionPolicy providerID taints "
        "unschedulable"
    ),
    "V1NodeStatus": (
        "addresses allocatable capacity conditions config daemonEndpoints declaredFeatures "
        "features images nodeInfo phase runtimeHandlers volumesAttached volumesInUse"
    ),
    "V1ObjectMeta": (
        "annotations creationTimestamp deletionGracePeriodSeconds deletionTimestamp finalizers "
        "generateName generation labels managedFields name namespace ownerReferences "
        "resourceVersion selfLink uid"
    ),
    "V1OwnerReference": "apiVersion blockOwnerDeletion controller kind name uid",
    "V1PersistentVolumeClaim": "apiVersion kind metadata spec status",
    "V1PersistentVolumeClaimCondition": (
        "lastProbeTime lastTransitionTime message reason status type"
    ),
    "V1PersistentVolumeClaimSpec": (
        "accessModes dataSource dataSourceRef resources selector storageClassName "
        "volumeAttributesClassName volumeMode volumeName"
    ),
    "V1PersistentVolumeClaimStatus": (
        "accessModes allocatedResourceStatuses allocatedResources capacity conditions "
        "currentVolumeAttributesClassName healthStatus modifyVolumeStatus phase"
    ),
    "V1Pod": "apiVersion kind metadata spec status",
    "V1PodCondition": (
        "lastProbeTime lastTransitionTime message observedGeneration reason status type"
    ),
    "V1PodSpec": (
        "activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig "
        "dnsPolicy enableServiceLinks ephemeralContainers evictionResponders hostAliases hostIPC "
        "hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers "
        "nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName "
        "readinessGates resourceClaims resources restartPolicy runtimeClassName schedulerName "
        "schedulingGates schedulingGroup securityContext serviceAccount serviceAccountName "
        "setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds "
        "tolerations topologySpreadConstraints volumes"
    ),
    "V1PodStatus": (
        "allocatedResources conditions containerStatuses ephemeralContainerStatuses "
        "extendedResourceClaimStatus hostIP hostIPs initContainerStatuses message "
        "nodeAllocatableResourceClaimStatuses nominatedNodeName observedGeneration phase podIP "
        "podIPs qosClass reason resize resourceClaimStatuses resources startTime volumeHealth"
    ),
    "V1PodTemplateSpec": "metadata spec",
    "V1ReplicaSet": "apiVersion kind metadata spec status",
    "V1ReplicaSetSpec": "minReadySeconds replicas selector template",
    "V1ReplicaSetStatus": (
        "availableReplicas conditions fullyLabeledReplicas observedGeneration readyReplicas "
        "replicas terminatingReplicas"
    ),
    "V1RollingUpdateDaemonSet": "maxSurge maxUnavailable",
    "V1RollingUpdateDeployment": "maxSurge maxUnavailable",
    "V1RollingUpdateStatefulSetStrategy": "maxUnavailable partition",
    "V1StatefulSetCondition": "lastTransitionTime message reason status type",
    "V1StatefulSetSpec": (
        "minReadySeconds ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy "
        "replicas revisionHistoryLimit selector serviceName template updateStrategy "
        "volumeClaimTemplates"
    ),
    "V1StatefulSetStatus": (
        "availableReplicas collisionCount conditions currentReplicas currentRevision "
        "observedGeneration readyReplicas replicas updateRevision updatedReplicas"
    ),
    "V1StatefulSetUpdateStrategy": "rollingUpdate type",
    "V1StorageClass": (
        "allowVolumeExpansion allowedTopologies apiVersion kind metadata mountOptions parameters "
        "provisioner reclaimPolicy volumeBindingMode"
    ),
    "V1Volume": (
        "awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI "
        "emptyDir ephemeral fc flexVolume flocker gcePersistentDisk gitRepo glusterfs hostPath "
        "image iscsi name nfs persistentVolumeClaim photonPersistentDisk portworxVolume projected "
        "quobyte rbd scaleIO secret storageos vsphereVolume"
    ),
    "V1VolumeResourceRequirements": "limits requests",
    "V2CrossVersionObjectReference": "apiVersion kind name",
    "V2HorizontalPodAutoscaler": "apiVersion kind metadata spec status",
    "V2HorizontalPodAutoscalerCondition": (
        "lastTransitionTime message observedGeneration reason status type"
    ),
    "V2HorizontalPodAutoscalerSpec": "behavior maxReplicas metrics minReplicas scaleTargetRef",
    "V2HorizontalPodAutoscalerStatus": (
        "conditions currentMetrics currentReplicas desiredReplicas lastScaleTime observedGeneration"
    ),
}
FIELDS: Mapping[str, frozenset[str]] = {
    model: frozenset(names.split()) for model, names in _NAMES.items()
}
