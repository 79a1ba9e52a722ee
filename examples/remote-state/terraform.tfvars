backend = "s3"

config = {
  bucket = "my-company-terraform-states"
  key    = "tap/prod/terraform.tfstate"
  region = "us-east-1"
}
