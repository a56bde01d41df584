//! Reading part after part while rows come and go: nothing that is there all the time is missing or doubled.

use std::collections::{BTreeMap, HashSet};

use contract::query::{
    PageSlice, ProductConnectionRequest, ProductSort, ProductSortField, SortDirection,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::{Events, Service, TestService, at, product, product_deleted, product_updated};

const PERMANENT: usize = 120;
const LISTS: u64 = 8;

/// Names and prices repeat, so that ids decide the order of many rows.
fn random(id: &str, rng: &mut StdRng) -> Events {
    let name = format!("n{:02}", rng.random_range(0..40));
    let price = format!("{}.00", rng.random_range(1..20));
    product(id, &name, &price, Some("c"))
}

/// Creates, deletes and renames products of its own, in commits next to those that the readers wait for.
struct Churn {
    rng: StdRng,
    alive: Vec<String>,
    renamed: HashSet<String>,
    created: usize,
}

impl Churn {
    async fn step(&mut self, world: &TestService) -> u64 {
        let mut commit = Vec::new();
        if self.alive.len() > 30 {
            let last = self
                .alive
                .swap_remove(self.rng.random_range(0..self.alive.len()));
            commit.push(product_deleted(&last, Some("c")));
            let moved = &self.alive[self.rng.random_range(0..self.alive.len())];
            let name = format!("n{:02}", self.rng.random_range(0..40));
            let category = Some("c");
            commit.push(product_updated(
                moved,
                &name,
                None,
                "3",
                [category, category],
            ));
            self.renamed.insert(moved.clone());
        }
        for _ in 0..self.rng.random_range(1..4) {
            self.created += 1;
            let id = format!("x{:04}", self.created);
            commit.push(random(&id, &mut self.rng));
            self.alive.push(id);
        }
        world.append(commit).await
    }
}

/// Reads the whole list in parts of random sizes, from its start or from its end. Returns the ids in the order read.
async fn read_all(
    service: &mut Service,
    (world, churn, start): (&TestService, &mut Churn, u64),
    sort: ProductSort,
    is_backward: bool,
) -> Vec<String> {
    let mut ids = Vec::new();
    let mut place = None;
    let mut head = start;
    loop {
        let rows = Some(churn.rng.random_range(1..=20));
        let slice = PageSlice {
            first: rows.filter(|_| !is_backward),
            last: rows.filter(|_| is_backward),
            after: place.clone().filter(|_| !is_backward),
            before: place.clone().filter(|_| is_backward),
            count: false,
        };
        let request = ProductConnectionRequest {
            category_id: Some("c".to_owned()),
            sort: Some(sort),
            slice: Some(slice),
        };
        // The log grows while the read side answers, and every other part must be read after all of it.
        let reading = service.products.list_products_connection(at(head, request));
        let (reply, grown) = tokio::join!(reading, churn.step(world));
        let reply = reply.expect("answered").into_inner();
        head = if ids.len() % 2 == 0 { grown } else { start };
        let page = reply.page.expect("set");
        let mut edges = reply.edges;
        if is_backward {
            edges.reverse();
        }
        if let Some(edge) = edges.last() {
            place.clone_from(&edge.key);
        }
        ids.extend(edges.into_iter().filter_map(|edge| Some(edge.product?.id)));
        let continues = if is_backward {
            page.has_previous_page
        } else {
            page.has_next_page
        };
        if !continues {
            return ids;
        }
    }
}

#[tokio::test]
async fn what_is_there_all_the_time_is_read_exactly_once() {
    use ProductSortField::{CreatedAt, Name, Price};
    for world in TestService::both().await {
        let mut service = world.start().await;
        let mut rng = StdRng::seed_from_u64(20_261_129);
        let permanent: Vec<String> = (0..PERMANENT).map(|n| format!("p{n:03}")).collect();
        let mut start = 0;
        for id in &permanent {
            start = world.append(vec![random(id, &mut rng)]).await;
        }
        let mut churn = Churn {
            rng,
            alive: Vec::new(),
            renamed: HashSet::new(),
            created: 0,
        };
        let mut came_and_went = 0;
        for list in 0..LISTS {
            let sort = ProductSort {
                field: [Name, Price, CreatedAt][usize::try_from(list % 3).expect("small")].into(),
                direction: [SortDirection::Asc, SortDirection::Desc]
                    [usize::try_from(list / 3 % 2).expect("small")]
                .into(),
            };
            let is_backward = list % 2 == 1;
            let changing = (&world, &mut churn, start);
            let ids = read_all(&mut service, changing, sort, is_backward).await;
            let mut times: BTreeMap<&str, usize> = BTreeMap::new();
            for id in &ids {
                *times.entry(id.as_str()).or_default() += 1;
            }
            for id in &permanent {
                assert_eq!(
                    times.get(id.as_str()),
                    Some(&1),
                    "{id} in {sort:?}, {is_backward}"
                );
            }
            let others: HashSet<_> = times.keys().filter(|id| id.starts_with('x')).collect();
            came_and_went += others.len();
            for (id, times) in times {
                let is_once = times == 1 || churn.renamed.contains(id);
                assert!(is_once, "{id} {times} times in {sort:?}, {is_backward}");
            }
        }
        assert!(
            came_and_went > 100,
            "only {came_and_went} other rows were read"
        );
        service.stop().await;
    }
}
