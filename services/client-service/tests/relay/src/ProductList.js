// A page with a list that is continued, as Relay's documentation writes it.
const { graphql } = require("relay-runtime");

graphql`
  query ProductListQuery($category: ID) {
    ...ProductList_query @arguments(category: $category)
  }
`;

graphql`
  fragment ProductList_query on Query
  @refetchable(queryName: "ProductListPageQuery")
  @argumentDefinitions(
    category: { type: "ID" }
    count: { type: "Int", defaultValue: 20 }
    cursor: { type: "String" }
    sort: { type: "ProductSort", defaultValue: { field: PRICE, direction: DESC } }
  ) {
    productsConnection(first: $count, after: $cursor, categoryId: $category, sortBy: $sort)
      @connection(key: "ProductList_productsConnection", filters: ["categoryId", "sortBy"]) {
      totalCount
      edges {
        node {
          ...ProductList_product
        }
      }
    }
  }
`;

// Refetched by the id of its object, through `node`.
graphql`
  fragment ProductList_product on Product @refetchable(queryName: "ProductListProductQuery") {
    id
    name
    price
    category {
      name
    }
  }
`;
