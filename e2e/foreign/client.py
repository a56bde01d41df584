"""An older client in Python: calls every method of the old contract and checks the replies.

Usage: client.py catalogue WRITE_SIDE READ_SIDE      (host:port of each)
       client.py orders WRITE_SIDE PRODUCT           (a product for 19.90 of which there are 5)
"""

import sys
import time

import grpc

write_messages, write_services = grpc.protos_and_services("write_side.proto")
read_messages, read_services = grpc.protos_and_services("read_side.proto")
# Without metadata a client can only wait until the read side has caught up.
TIMEOUT_SECONDS = 20
STEPS = ["reserve_inventory", "process_payment", "arrange_shipping", "confirm_order"]
checks = 0


def check(fact, what):
    global checks
    checks += 1
    if not fact:
        raise AssertionError(what)


def same(actual, expected, what):
    check(actual == expected, f"{what}: expected {expected!r}, got {actual!r}")


def ok(result):
    check(not result.HasField("error"), f"unexpected error: {result.error}")
    check(result.HasField("timestamp"), "no timestamp")
    return result


def rejected(result, kind, code, entity):
    same((result.error.type, result.error.code), (kind, code), "error")
    check(result.error.message, "an error has a message")
    check(not result.HasField(entity), "an error comes without the entity")


def status_of(call, request):
    try:
        call(request)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def until(condition, what):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"timeout while waiting for {what}")
        time.sleep(0.01)


def write(address):
    channel = grpc.insecure_channel(address)
    m = write_messages
    categories = write_services.CategoryCommandStub(channel)
    products = write_services.ProductCommandStub(channel)

    books = ok(categories.Create(m.CategoryUpParam(crud=m.INSERT, name="Books"))).category
    check(books.id and books.HasField("created_at") and books.HasField("updated_at"), "a whole category")
    named = ok(categories.Create(m.CategoryUpParam(id="games-1", name="Games"))).category
    same(named.id, "games-1", "a given id")
    rejected(categories.Create(m.CategoryUpParam(name="BOOKS")), "CONFLICT", 6, "category")
    rejected(categories.Create(m.CategoryUpParam(name="")), "VALIDATION_ERROR", 3, "category")
    rejected(categories.Create(m.CategoryUpParam(crud=m.DELETE, name="x")), "VALIDATION_ERROR", 3, "category")
    renamed = ok(categories.Update(m.CategoryUpParam(crud=m.UPDATE, id=books.id, name="Novels"))).category
    same(renamed.name, "Novels", "the new name")
    unchanged = ok(categories.Update(m.CategoryUpParam(id=books.id, name=""))).category
    same(unchanged.name, "Novels", "an empty name means unchanged")
    rejected(categories.Update(m.CategoryUpParam(id="nothing", name="x")), "NOT_FOUND", 5, "category")

    param = m.ProductUpParam(crud=m.INSERT, name="Emma", price=19.9, categoryId=books.id)
    emma = ok(products.Create(param)).product
    same(emma.price, 19, "whole units, the fraction dropped")
    ok(products.Create(m.ProductUpParam(id="chess", name="Chess", price=35.5, categoryId="games-1")))
    ok(products.Create(m.ProductUpParam(name="Loose", price=1)))
    rejected(products.Create(m.ProductUpParam(name="x", price=0)), "VALIDATION_ERROR", 3, "product")
    rejected(products.Create(m.ProductUpParam(name="x", price=1, categoryId="nothing")), "VALIDATION_ERROR", 3, "product")
    dearer = ok(products.Update(m.ProductUpParam(crud=m.UPDATE, id="chess", price=40.25))).product
    same((dearer.name, dearer.price), ("Chess", 40), "0 and \"\" mean unchanged")
    rejected(categories.Delete(m.CategoryUpParam(id="games-1")), "CONFLICT", 6, "category")

    doomed = ok(products.Create(m.ProductUpParam(name="Doomed", price=2))).product
    ok(products.Delete(m.ProductUpParam(crud=m.DELETE, id=doomed.id)))
    rejected(products.Delete(m.ProductUpParam(id=doomed.id)), "NOT_FOUND", 5, "product")
    empty = ok(categories.Create(m.CategoryUpParam(name="Empty"))).category
    ok(categories.Delete(m.CategoryUpParam(crud=m.DELETE, id=empty.id)))
    return books.id, emma.id, doomed.id


def read_categories(channel, books):
    m = read_messages
    query = read_services.CategoryQueryStub(channel)
    category = query.GetCategory(m.CategoryQueryRequest(id=books)).category
    same((category.id, category.name), (books, "Novels"), "GetCategory")
    now = time.time()
    check(abs(now - category.created_at) < 600, "created_at counts Unix seconds")
    same(query.GetCategoryByName(m.CategoryByNameRequest(name="Games")).category.id, "games-1", "GetCategoryByName")
    names = [each.name for each in query.ListCategories(m.Empty()).categories]
    same(names, ["Games", "Novels"], "ListCategories")
    found = query.SearchCategories(m.CategorySearchRequest(search_term="OV")).categories
    same([each.name for each in found], ["Novels"], "SearchCategories")
    page = query.ListCategoriesPaginated(m.CategoryPaginationRequest(page=2, per_page=1)).categories
    same([each.name for each in page], ["Novels"], "ListCategoriesPaginated")
    some = query.GetCategoriesByIds(m.CategoryIdsRequest(ids=["games-1", "nothing"])).categories
    same([each.id for each in some], ["games-1"], "GetCategoriesByIds")
    statistics = query.GetCategoryStatistics(m.Empty())
    same((statistics.total_count, statistics.has_categories, statistics.categories_with_timestamps), (2, True, 2),
         "GetCategoryStatistics")
    same(query.CategoryExists(m.CategoryExistsRequest(id=books)).exists, True, "CategoryExists")
    same(query.CategoryExists(m.CategoryExistsRequest(id="nothing")).exists, False, "CategoryExists")
    same(status_of(query.GetCategory, m.CategoryQueryRequest(id="nothing")), grpc.StatusCode.NOT_FOUND, "GetCategory")
    same(status_of(query.ListCategoriesPaginated, m.CategoryPaginationRequest(page=0, per_page=1)),
         grpc.StatusCode.INVALID_ARGUMENT, "page 0")


def read_products(channel, books, emma):
    m = read_messages
    query = read_services.ProductQueryStub(channel)

    def names(reply):
        return [each.name for each in reply.products]

    product = query.GetProduct(m.ProductQueryRequest(id=emma)).product
    same((product.name, product.price, product.category_id), ("Emma", 19.9, books), "GetProduct")
    product = query.GetProductWithCategory(m.ProductQueryRequest(id=emma)).product
    same(product.category.name, "Novels", "GetProductWithCategory")
    same(query.GetProductByName(m.ProductByNameRequest(name="Emma")).product.id, emma, "GetProductByName")
    same(names(query.ListProducts(m.Empty())), ["Chess", "Emma", "Loose"], "ListProducts")
    listed = query.ListProductsWithCategories(m.Empty()).products
    same([each.category.name for each in listed], ["Games", "Novels", ""], "ListProductsWithCategories")
    same(names(query.GetProductsByCategory(m.ProductByCategoryRequest(category_id=books))), ["Emma"],
         "GetProductsByCategory")
    same(names(query.SearchProducts(m.ProductSearchRequest(search_term="SS"))), ["Chess"], "SearchProducts")
    between = m.ProductPriceRangeRequest(min_price=1, max_price=19.9)
    same(names(query.GetProductsByPriceRange(between)), ["Loose", "Emma"], "GetProductsByPriceRange")
    for order, expected in (("asc", ["Loose", "Emma", "Chess"]), ("desc", ["Chess", "Emma", "Loose"])):
        same(names(query.ListProductsSortedByPrice(m.ProductSortRequest(sort_order=order))), expected,
             "ListProductsSortedByPrice")
    same(names(query.ListProductsPaginated(m.ProductPaginationRequest(page=2, per_page=2))), ["Loose"],
         "ListProductsPaginated")
    same(names(query.GetProductsByIds(m.ProductIdsRequest(ids=["chess", emma]))), ["Chess", "Emma"], "GetProductsByIds")
    advanced = m.ProductAdvancedSearchRequest(min_price=5, sort_by="price", sort_order="desc", limit=2)
    same(names(query.SearchProductsAdvanced(advanced)), ["Chess", "Emma"], "SearchProductsAdvanced")
    statistics = query.GetProductStatistics(m.Empty())
    same((statistics.total_count, statistics.has_products, statistics.min_price, statistics.max_price),
         (3, True, 1.0, 40.25), "GetProductStatistics")
    check(abs(statistics.average_price - (19.9 + 40.25 + 1) / 3) < 0.01, "the average price")
    of_one = query.GetCategoryProductStatistics(m.CategoryProductStatisticsRequest(category_id=books))
    same((of_one.category_id, of_one.total_count, of_one.max_price), (books, 1, 19.9), "GetCategoryProductStatistics")
    same(query.ProductExists(m.ProductExistsRequest(id="chess")).exists, True, "ProductExists")
    same(status_of(query.GetProduct, m.ProductQueryRequest(id="nothing")), grpc.StatusCode.NOT_FOUND, "GetProduct")
    same(status_of(query.GetProductsByPriceRange, m.ProductPriceRangeRequest(min_price=2, max_price=1)),
         grpc.StatusCode.INVALID_ARGUMENT, "minimum above maximum")


def orders(write_side, pot):
    m = write_messages
    sagas = write_services.SagaCommandStub(grpc.insecure_channel(write_side))

    def items(quantity, product=pot, **amounts):
        return [m.OrderItem(productId=product, productName="Whatever", quantity=quantity, **amounts)]

    def start(customer="ann", **fields):
        return sagas.StartOrderSaga(m.StartOrderSagaParam(customerId=customer, **fields))

    def ended(result, state):
        check(not result.HasField("error"), f"unexpected error: {result.error}")
        check(result.sagaId and result.HasField("startedAt"), "a saga's id and start")
        same(result.status, result.status.lower(), "a status in lower case")
        asked = m.GetSagaStatusParam(sagaId=result.sagaId)
        until(lambda: sagas.GetSagaStatus(asked).HasField("completedAt"), f"the end of {result.sagaId}")
        status = sagas.GetSagaStatus(asked)
        same((status.sagaId, status.state), (result.sagaId, state), "GetSagaStatus")
        same((status.currentStep, status.HasField("error")), ("", False), "no step at the end")
        check(status.startedAt.seconds <= status.completedAt.seconds, "times in order")
        return status

    done = ended(start(items=items(2)), "completed")
    same((list(done.completedSteps), done.failureReason), (STEPS, ""), "all steps")
    address = m.ShippingAddress(street="1 Main St", city="Oslo", postalCode="0150")
    priced = {"items": items(2, unitPrice=19.9, subtotal=39.8), "totalAmount": 39.8}
    ended(start(orderId="order-1", shippingAddress=address, **priced), "completed")
    rejected(start(orderId="order-1", **priced), "CONFLICT", 6, "startedAt")
    for other in ({"items": items(1, unitPrice=20)}, {"items": items(1, subtotal=1)}, {"items": items(1), "totalAmount": 5}):
        rejected(start(**other), "CONFLICT", 6, "startedAt")
    for wrong in ({"items": []}, {"items": items(0)}, {"items": items(1, product="nothing")},
                  {"items": items(1), "customer": ""}):
        rejected(start(**wrong), "VALIDATION_ERROR", 3, "startedAt")
    # One is left.
    short = ended(start(items=items(2)), "compensated")
    same(list(short.completedSteps), [], "nothing was reserved")
    check(short.failureReason, "a reason")
    unknown = sagas.GetSagaStatus(m.GetSagaStatusParam(sagaId="nothing"))
    rejected(unknown, "NOT_FOUND", 5, "startedAt")
    print(f"{checks} checks passed")


def catalogue(write_side, read_side):
    books, emma, doomed = write(write_side)
    channel = grpc.insecure_channel(read_side)
    categories = read_services.CategoryQueryStub(channel)
    products = read_services.ProductQueryStub(channel)

    def caught_up():
        # The last category that was created and deleted, and the product before it, must be absent.
        names = [each.name for each in categories.ListCategories(read_messages.Empty()).categories]
        absent = not products.ProductExists(read_messages.ProductExistsRequest(id=doomed)).exists
        chess = products.GetProductsByIds(read_messages.ProductIdsRequest(ids=["chess"])).products
        return names == ["Games", "Novels"] and absent and [each.price for each in chess] == [40.25]

    until(caught_up, "the read side")
    read_categories(channel, books)
    read_products(channel, books, emma)
    print(f"{checks} checks passed")


if __name__ == "__main__":
    {"catalogue": catalogue, "orders": orders}[sys.argv[1]](*sys.argv[2:])
