// A list that is read in both directions.
const { graphql } = require("relay-runtime");

graphql`
  query OrderListQuery($user: ID!) {
    ...OrderList_query @arguments(user: $user)
  }
`;

graphql`
  fragment OrderList_query on Query
  @refetchable(queryName: "OrderListPageQuery")
  @argumentDefinitions(
    user: { type: "ID" }
    first: { type: "Int", defaultValue: 10 }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  ) {
    ordersConnection(
      userId: $user
      first: $first
      after: $after
      last: $last
      before: $before
      status: CONFIRMED
    ) @connection(key: "OrderList_ordersConnection") {
      edges {
        node {
          createdAt
          items {
            quantity
            product {
              name
            }
          }
        }
      }
    }
  }
`;

graphql`
  query OrderListNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      ... on Order {
        status
      }
    }
  }
`;
