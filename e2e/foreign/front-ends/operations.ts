// The operations of a page, as its author writes them: from these graphql-codegen makes types and a manifest.
import { type DocumentType, graphql } from "./gql";

export const Parts = graphql(`
  fragment ProductParts on Product {
    name
    price
    category {
      name
    }
  }
`);

export const Products = graphql(`
  query Products($first: Int!, $after: String) {
    productsConnection(first: $first, after: $after, sortBy: { field: NAME, direction: ASC }) {
      totalCount
      edges {
        cursor
        node {
          id
          ...ProductParts
        }
      }
    }
  }
`);

export const Create = graphql(`
  mutation Create($input: CreateProductInput!) {
    createProduct(input: $input) {
      id
      createdAt
      ...ProductParts
    }
  }
`);

export const Created = graphql(`
  subscription Created($after: String) {
    productCreated(after: $after) {
      id
      ...ProductParts
    }
  }
`);

export const Orders = graphql(`
  query Orders($user: ID!) {
    userOrders(userId: $user, status: CONFIRMED) {
      status
      totalAmount
      sagaState {
        status
      }
    }
  }
`);

// What the types must allow, and must not: the compiler rejects an expected error that does not come.
export function price(parts: DocumentType<typeof Parts>): number {
  const category: string | undefined = parts.category?.name;
  // @ts-expect-error a product has no category, or one
  parts.category.name;
  // @ts-expect-error this was not selected
  parts.stockQuantity;
  return category === undefined ? 0 : parts.price;
}

export function isPaid(order: DocumentType<typeof Orders>["userOrders"][number]): boolean {
  // @ts-expect-error there is no such status
  return order.status === "PAID" || order.status === "CONFIRMED";
}
