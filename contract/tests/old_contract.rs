//! The messages and methods that old clients know are there, with their names, types and numbers.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
};

/// Fields as `name type number`; a name that ends in `?` has presence.
const MESSAGES: &[(&str, &str)] = &[
    (
        "proto.Error",
        "type string 1, message string 2, code int32 3, details map 4",
    ),
    (
        "proto.Category",
        "id string 1, name string 2, created_at Timestamp 3, updated_at Timestamp 4",
    ),
    (
        "proto.Product",
        "id string 1, name string 2, price int32 3, category? Category 4, created_at Timestamp 5, \
         updated_at Timestamp 6",
    ),
    (
        "proto.CategoryUpParam",
        "crud CRUD 1, id string 2, name string 3",
    ),
    (
        "proto.CategoryUpResult",
        "category Category 1, error Error 2, timestamp Timestamp 3",
    ),
    (
        "proto.ProductUpParam",
        "crud CRUD 1, id string 2, name string 3, price double 4, categoryId string 5",
    ),
    (
        "proto.ProductUpResult",
        "product Product 1, error Error 2, timestamp Timestamp 3",
    ),
    (
        "proto.OrderItem",
        "productId string 1, productName string 2, quantity int32 3, unitPrice double 4, \
         subtotal double 5",
    ),
    (
        "proto.ShippingAddress",
        "street string 1, city string 2, postalCode string 3",
    ),
    (
        "proto.StartOrderSagaParam",
        "orderId string 1, customerId string 2, items repeated OrderItem 3, totalAmount double 4, \
         shippingAddress ShippingAddress 5",
    ),
    (
        "proto.StartSagaResult",
        "sagaId string 1, status string 2, error Error 3, startedAt Timestamp 4",
    ),
    ("proto.GetSagaStatusParam", "sagaId string 1"),
    (
        "proto.SagaStatusResult",
        "sagaId string 1, state string 2, completedSteps repeated string 3, currentStep string 4, \
         failureReason string 5, startedAt Timestamp 6, completedAt Timestamp 7, error Error 8",
    ),
    (
        "query.Category",
        "id string 1, name string 2, created_at int64 3, updated_at int64 4",
    ),
    (
        "query.Product",
        "id string 1, name string 2, price double 3, category_id string 4, category Category 5, \
         created_at int64 6, updated_at int64 7",
    ),
    ("query.CategoryQueryRequest", "id string 1"),
    ("query.CategoryExistsRequest", "id string 1"),
    ("query.ProductQueryRequest", "id string 1"),
    ("query.ProductExistsRequest", "id string 1"),
    ("query.CategoryByNameRequest", "name string 1"),
    ("query.ProductByNameRequest", "name string 1"),
    ("query.CategorySearchRequest", "search_term string 1"),
    ("query.ProductSearchRequest", "search_term string 1"),
    (
        "query.CategoryPaginationRequest",
        "page int32 1, per_page int32 2",
    ),
    (
        "query.ProductPaginationRequest",
        "page int32 1, per_page int32 2",
    ),
    ("query.CategoryIdsRequest", "ids repeated string 1"),
    ("query.ProductIdsRequest", "ids repeated string 1"),
    ("query.ProductByCategoryRequest", "category_id string 1"),
    (
        "query.CategoryProductStatisticsRequest",
        "category_id string 1",
    ),
    (
        "query.ProductPriceRangeRequest",
        "min_price double 1, max_price double 2",
    ),
    ("query.ProductSortRequest", "sort_order string 1"),
    (
        "query.ProductAdvancedSearchRequest",
        "name string 1, category_id string 2, min_price double 3, max_price double 4, \
         sort_by string 5, sort_order string 6, limit int32 7, offset int32 8",
    ),
    ("query.CategoryQueryResponse", "category Category 1"),
    (
        "query.CategoryListResponse",
        "categories repeated Category 1",
    ),
    (
        "query.CategoryStatisticsResponse",
        "total_count int32 1, has_categories bool 2, categories_with_timestamps int32 3",
    ),
    ("query.CategoryExistsResponse", "exists bool 1"),
    ("query.ProductExistsResponse", "exists bool 1"),
    ("query.ProductQueryResponse", "product Product 1"),
    ("query.ProductListResponse", "products repeated Product 1"),
    (
        "query.ProductStatisticsResponse",
        "total_count int32 1, has_products bool 2, average_price double 3, min_price double 4, \
         max_price double 5, products_with_timestamps int32 6",
    ),
    (
        "query.CategoryProductStatisticsResponse",
        "category_id string 1, total_count int32 2, has_products bool 3, average_price double 4, \
         min_price double 5, max_price double 6",
    ),
    ("query.Empty", ""),
];

/// Methods as `name request response`.
const SERVICES: &[(&str, &str)] = &[
    (
        "proto.CategoryCommand",
        "Create CategoryUpParam CategoryUpResult, Update CategoryUpParam CategoryUpResult, \
         Delete CategoryUpParam CategoryUpResult",
    ),
    (
        "proto.ProductCommand",
        "Create ProductUpParam ProductUpResult, Update ProductUpParam ProductUpResult, \
         Delete ProductUpParam ProductUpResult",
    ),
    (
        "proto.SagaCommand",
        "StartOrderSaga StartOrderSagaParam StartSagaResult, \
         GetSagaStatus GetSagaStatusParam SagaStatusResult",
    ),
    (
        "query.CategoryQuery",
        "GetCategory CategoryQueryRequest CategoryQueryResponse, \
         GetCategoryByName CategoryByNameRequest CategoryQueryResponse, \
         ListCategories Empty CategoryListResponse, \
         SearchCategories CategorySearchRequest CategoryListResponse, \
         ListCategoriesPaginated CategoryPaginationRequest CategoryListResponse, \
         GetCategoriesByIds CategoryIdsRequest CategoryListResponse, \
         GetCategoryStatistics Empty CategoryStatisticsResponse, \
         CategoryExists CategoryExistsRequest CategoryExistsResponse",
    ),
    (
        "query.ProductQuery",
        "GetProduct ProductQueryRequest ProductQueryResponse, \
         GetProductWithCategory ProductQueryRequest ProductQueryResponse, \
         GetProductByName ProductByNameRequest ProductQueryResponse, \
         ListProducts Empty ProductListResponse, \
         ListProductsWithCategories Empty ProductListResponse, \
         GetProductsByCategory ProductByCategoryRequest ProductListResponse, \
         SearchProducts ProductSearchRequest ProductListResponse, \
         GetProductsByPriceRange ProductPriceRangeRequest ProductListResponse, \
         ListProductsSortedByPrice ProductSortRequest ProductListResponse, \
         ListProductsPaginated ProductPaginationRequest ProductListResponse, \
         GetProductsByIds ProductIdsRequest ProductListResponse, \
         SearchProductsAdvanced ProductAdvancedSearchRequest ProductListResponse, \
         GetProductStatistics Empty ProductStatisticsResponse, \
         GetCategoryProductStatistics CategoryProductStatisticsRequest \
         CategoryProductStatisticsResponse, \
         ProductExists ProductExistsRequest ProductExistsResponse",
    ),
];

/// The first number of a field that old clients do not know.
const FIRST_NEW: i32 = 20;

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(contract::DESCRIPTORS).expect("descriptors")
}

fn messages() -> BTreeMap<String, DescriptorProto> {
    let named = |package: &str, message: DescriptorProto| {
        (format!("{package}.{}", message.name()), message)
    };
    descriptors()
        .file
        .into_iter()
        .flat_map(|file| {
            let package = file.package().to_owned();
            let messages = file.message_type.into_iter();
            messages
                .map(move |message| named(&package, message))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn described(field: &FieldDescriptorProto) -> String {
    let presence = if field.proto3_optional() { "?" } else { "" };
    let name = match field.r#type() {
        Type::String => "string",
        Type::Int32 => "int32",
        Type::Int64 => "int64",
        Type::Double => "double",
        Type::Bool => "bool",
        Type::Message | Type::Enum => last_part(field.type_name()),
        other => panic!("{other:?} is not in the old contract"),
    };
    let name = if name == "DetailsEntry" { "map" } else { name };
    let repeated = field.label() == Label::Repeated && name != "map";
    let repeated = if repeated { "repeated " } else { "" };
    format!(
        "{}{presence} {repeated}{name} {}",
        field.name(),
        field.number()
    )
}

#[test]
fn old_messages_have_their_fields_and_new_fields_begin_at_twenty() {
    let messages = messages();
    for (name, fields) in MESSAGES {
        let message = messages
            .get(*name)
            .unwrap_or_else(|| panic!("{name} is missing"));
        let old = message
            .field
            .iter()
            .filter(|field| field.number() < FIRST_NEW);
        let old: Vec<String> = old.map(described).collect();
        let expected: Vec<&str> = fields
            .split(", ")
            .filter(|field| !field.is_empty())
            .collect();
        assert_eq!(old, expected, "{name}");
    }
}

fn values_of(package: &str, name: &str) -> Vec<(String, i32)> {
    let files = descriptors().file.into_iter();
    let found = files
        .filter(|file| file.package() == package)
        .flat_map(|file| file.enum_type)
        .find(|known| known.name() == name)
        .unwrap_or_else(|| panic!("{package}.{name} is missing"));
    let value = |value: &EnumValueDescriptorProto| (value.name().to_owned(), value.number());
    found.value.iter().map(value).collect()
}

#[test]
fn the_old_enum_has_its_values() {
    let expected = [("UNKNOWN", 0), ("INSERT", 1), ("UPDATE", 2), ("DELETE", 3)];
    let expected = expected.map(|(name, number)| (name.to_owned(), number));
    assert_eq!(values_of("proto", "CRUD"), expected);
}

#[test]
fn both_sides_count_the_statuses_alike() {
    for (name, count) in [("OrderStatus", 8), ("SagaStatus", 8)] {
        let values = values_of("proto", name);
        assert_eq!(values.len(), count, "{name}");
        assert_eq!(values, values_of("query", name), "{name}");
    }
}

#[test]
fn old_services_have_their_methods() {
    let services: BTreeMap<String, Vec<String>> = descriptors()
        .file
        .iter()
        .flat_map(|file| {
            file.service.iter().map(|service| {
                let methods = service.method.iter().map(|method| {
                    let streams = |is_stream| if is_stream { "stream " } else { "" };
                    let (input, output) = (
                        last_part(method.input_type()),
                        last_part(method.output_type()),
                    );
                    format!(
                        "{} {}{input} {}{output}",
                        method.name(),
                        streams(method.client_streaming()),
                        streams(method.server_streaming())
                    )
                });
                (
                    format!("{}.{}", file.package(), service.name()),
                    methods.collect(),
                )
            })
        })
        .collect();
    for (name, methods) in SERVICES {
        let known = services
            .get(*name)
            .unwrap_or_else(|| panic!("{name} is missing"));
        for method in methods.split(", ") {
            assert!(
                known.iter().any(|known| known == method),
                "{name}: {method} is missing"
            );
        }
    }
}
