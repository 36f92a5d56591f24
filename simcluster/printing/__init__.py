"""What the API shows of objects besides themselves: Tables and PartialObjectMetadata."""
