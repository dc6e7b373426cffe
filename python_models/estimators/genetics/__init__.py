"""Genetics from summary statistics: heritability, genetic correlation, pleiotropy, genes, loci, direction of effect."""
