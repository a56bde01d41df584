//! The gateway: GraphQL over HTTP in front of the two services.
