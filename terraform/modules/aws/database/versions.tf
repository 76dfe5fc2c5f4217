terraform {
  required_version = ">= 1.11, < 2" # Write-only arguments keep the password out of the state.

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
