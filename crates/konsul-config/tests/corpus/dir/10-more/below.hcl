nonsense nonsense
