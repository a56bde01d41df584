//! The operations with which `/graphiql` begins.

use graphql_http::Sample;

pub const SAMPLES: &[Sample] = &[
    Sample {
        query: "\
# Run it with Ctrl-Enter.
query Categories($products: Int!) {
  categories {
    id
    name
    productCount
    products(limit: $products) {
      id
      name
      price
      stockQuantity
    }
  }
}
",
        variables: r#"{
  "products": 5
}"#,
    },
    Sample {
        query: "\
mutation CreateCategory($input: CreateCategoryInput!) {
  createCategory(input: $input) {
    id
    name
    version
  }
}
",
        variables: r#"{
  "input": { "name": "Tea", "description": "Leaves and herbs" }
}"#,
    },
    Sample {
        query: "\
# `categoryId` names its category.
mutation CreateProduct($input: CreateProductInput!) {
  createProduct(input: $input) {
    id
    name
    price
    stockQuantity
  }
}
",
        variables: r#"{
  "input": { "name": "Sencha", "price": "19.90", "stockQuantity": 12 }
}"#,
    },
    Sample {
        query: "\
# Runs until it is stopped.
subscription Products {
  productCreated {
    id
    name
    price
    stockQuantity
  }
}
",
        variables: "",
    },
    Sample {
        query: "\
# Each order with its saga.
query Orders($user: ID!) {
  userOrders(userId: $user, limit: 10) {
    id
    status
    totalAmount
    items {
      productName
      quantity
    }
    sagaState {
      state
      completedSteps
    }
  }
}
",
        variables: r#"{
  "user": "ann"
}"#,
    },
];
