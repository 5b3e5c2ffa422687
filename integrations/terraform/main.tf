# The tables of maxwells-daemon in DynamoDB, its first record, and the rights. See README.md.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

# The records: one item for each version of each application.
resource "aws_dynamodb_table" "records" {
  name         = "MaxwellsDaemon"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "application"
  range_key    = "version"

  attribute {
    name = "application"
    type = "S"
  }

  attribute {
    name = "version"
    type = "S"
  }

  # Without this table all visitors are at master. No plan may remove it.
  lifecycle {
    prevent_destroy = true
  }
}

# The evidence of releases. Its name is always that of the records, with .evidence behind it.
resource "aws_dynamodb_table" "evidence" {
  name         = "${aws_dynamodb_table.records.name}.evidence"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "log"
  range_key    = "at"

  attribute {
    name = "log"
    type = "S"
  }

  attribute {
    name = "at"
    type = "S"
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }
}

# The record exists from the beginning, with no visitors. From then on it belongs to the operators, to
# releases, and to the controllers.
resource "aws_dynamodb_table_item" "canary" {
  table_name = aws_dynamodb_table.records.name
  hash_key   = aws_dynamodb_table.records.hash_key
  range_key  = aws_dynamodb_table.records.range_key

  item = jsonencode({
    application = { S = "website" }
    version     = { S = "canary" }
    rollout     = { N = "0" }
  })

  # Without this line, each apply would write the item of this file over a release.
  lifecycle {
    ignore_changes = [item]
  }
}

# A daemon that follows.
data "aws_iam_policy_document" "follows" {
  statement {
    actions   = ["dynamodb:Query"]
    resources = [aws_dynamodb_table.records.arn]
  }

  statement {
    actions   = ["dynamodb:PutItem"]
    resources = [aws_dynamodb_table.evidence.arn]
  }
}

# A daemon with -releases on.
data "aws_iam_policy_document" "leads" {
  statement {
    actions   = ["dynamodb:Query", "dynamodb:UpdateItem"]
    resources = [aws_dynamodb_table.records.arn]
  }

  statement {
    actions   = ["dynamodb:Query", "dynamodb:PutItem"]
    resources = [aws_dynamodb_table.evidence.arn]
  }
}

# An operator.
data "aws_iam_policy_document" "operates" {
  statement {
    actions   = ["dynamodb:Query", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.records.arn]
  }

  statement {
    actions   = ["dynamodb:Query"]
    resources = [aws_dynamodb_table.evidence.arn]
  }
}

output "store" {
  description = "The setting -store of daemons and commands"
  # The address of a table has its region in it. Without a region, the daemon would ask in its own one.
  value = "dynamodb://${split(":", aws_dynamodb_table.records.arn)[3]}/${aws_dynamodb_table.records.name}"
}

output "policies" {
  description = "For the roles of daemons and operators"
  value = {
    follows  = data.aws_iam_policy_document.follows.json
    leads    = data.aws_iam_policy_document.leads.json
    operates = data.aws_iam_policy_document.operates.json
  }
}
