"""S3: a bucket that wants TLS can be written to on this machine, and knows its key."""

from __future__ import annotations

import json

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import deploy


@shows("transport_of_loopback")
def a_bucket_that_wants_tls_takes_an_object(aws: LocalAws, name: str) -> None:
    """Its policy refuses what comes without, and a role is asked by it."""
    s3, iam = aws.client("s3"), aws.client("iam")
    s3.create_bucket(Bucket=name)
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(
        Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    )
    iam.create_user(UserName=name)
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}
    iam.put_user_policy(
        UserName=name,
        PolicyName="put",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    key = iam.create_access_key(UserName=name)["AccessKey"]
    of_user = aws.client(
        "s3",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    of_user.put_object(Bucket=name, Key="a", Body=b"a")


@shows("bucket_encryption")
def a_bucket_of_a_template_encrypts_with_the_key_that_it_names(aws: LocalAws, name: str) -> None:
    """What the template says is what the bucket answers."""
    key = f"arn:aws:kms:us-east-1:000000000000:key/{name}"
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": default}
    properties = {
        "BucketName": name,
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
    }
    deploy(aws, name, {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    found = aws.client("s3").get_bucket_encryption(Bucket=name)
    (answer,) = found["ServerSideEncryptionConfiguration"]["Rules"]
    assert answer["ApplyServerSideEncryptionByDefault"] == default
    assert answer["BucketKeyEnabled"] is True
