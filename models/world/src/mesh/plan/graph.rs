//! Links of one draw of the air, with what each has to spare.

/// Who hears whom, both directions, rows in order of index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkGraph {
    first: Vec<u32>,
    to: Vec<u32>,
    margin_db: Vec<f32>,
}

impl LinkGraph {
    /// A graph of so many nodes; each link once: two nodes and its margin, dB. Links of a node with itself and of nodes that
    /// there are not are left out; of two links between the same nodes the better one counts.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn new(nodes: usize, links: &[(u32, u32, f32)]) -> Self {
        let mut rows: Vec<Vec<(u32, f32)>> = vec![Vec::new(); nodes];
        for &(a, b, margin_db) in links {
            let there = (a as usize) < nodes && (b as usize) < nodes;
            if a != b && there && !margin_db.is_nan() {
                rows[a as usize].push((b, margin_db));
                rows[b as usize].push((a, margin_db));
            }
        }
        let mut graph = Self { first: vec![0], ..Self::default() };
        for mut row in rows {
            row.sort_unstable_by(|p, q| p.0.cmp(&q.0).then_with(|| q.1.total_cmp(&p.1)));
            row.dedup_by_key(|link| link.0);
            graph.to.extend(row.iter().map(|link| link.0));
            graph.margin_db.extend(row.iter().map(|link| link.1));
            graph.first.push(graph.to.len() as u32);
        }
        graph
    }

    /// Nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len().saturating_sub(1)
    }

    /// No nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whom a node hears.
    #[must_use]
    pub fn row(&self, node: usize) -> &[u32] {
        &self.to[self.first[node] as usize..self.first[node + 1] as usize]
    }

    /// Whom a node hears and what the link has to spare, dB.
    pub fn links_of(&self, node: usize) -> impl Iterator<Item = (usize, f32)> + '_ {
        let range = self.first[node] as usize..self.first[node + 1] as usize;
        self.to[range.clone()].iter().zip(&self.margin_db[range]).map(|(&to, &margin_db)| (to as usize, margin_db))
    }

    /// What the link between two nodes has to spare, dB; nothing where there is none.
    #[must_use]
    pub fn margin_db(&self, a: usize, b: usize) -> Option<f32> {
        let at = self.row(a).binary_search(&u32::try_from(b).ok()?).ok()?;
        self.margin_db.get(self.first[a] as usize + at).copied()
    }

    /// The same nodes, with those links alone that have this much to spare.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn at_least(&self, margin_db: f32) -> Self {
        let mut graph = Self { first: vec![0], ..Self::default() };
        for node in 0..self.len() {
            for (to, has_db) in self.links_of(node).filter(|link| link.1 >= margin_db) {
                graph.to.push(to as u32);
                graph.margin_db.push(has_db);
            }
            graph.first.push(graph.to.len() as u32);
        }
        graph
    }
}
