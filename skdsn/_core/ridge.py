"""Ridge regression on rows that come block by block."""

import numpy as np


class NormalEquations:
    """Sums that a linear regression with intercept needs of its rows.

    Equal to a regression on all rows at once, but no more than one block of them is
    ever in memory.

    Attributes
    ----------
    n_rows : int
        Rows added so far.

    Examples
    --------
    >>> import numpy as np
    >>> sums = NormalEquations()
    >>> sums.add(np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]))
    >>> sums.add(np.array([[2.0]]), np.array([[5.0]]))
    >>> coef, intercept = sums.solve(1e-9)
    >>> coef.round(3), intercept.round(3)
    (array([[2.]]), array([1.]))
    """

    def __init__(self):
        self.n_rows = 0
        self._n_inputs = 0
        self._offset = self._sum = self._product = np.zeros(0)

    def add(self, inputs, targets):
        """Add rows.

        Parameters
        ----------
        inputs : float ndarray of shape (n_rows, n_inputs)
        targets : float ndarray of shape (n_rows, n_targets)
        """
        if len(inputs) == 0:
            return
        joint = np.concatenate([inputs, targets], axis=1, dtype=np.float64)
        if self.n_rows == 0:
            # Near the mean, so that little is lost when it is taken out in the end.
            self._offset = joint.mean(axis=0)
            self._n_inputs = inputs.shape[1]
            self._sum = np.zeros(joint.shape[1])
            self._product = np.zeros((self._n_inputs, joint.shape[1]))
        joint -= self._offset
        self.n_rows += len(joint)
        self._sum += joint.sum(axis=0)
        self._product += joint[:, : self._n_inputs].T @ joint

    def solve(self, alpha):
        """Find the coefficients of least squared error plus penalty.

        Parameters
        ----------
        alpha : float
            Positive weight of the sum of squared coefficients, as that of
            :class:`sklearn.linear_model.Ridge`; the intercept is free.

        Returns
        -------
        coef : float64 ndarray of shape (n_inputs, n_targets)
        intercept : float64 ndarray of shape (n_targets,)
        """
        n = self._n_inputs
        mean = self._sum / self.n_rows
        centred = self._product - np.outer(self._sum[:n], mean)
        coef = np.linalg.solve(centred[:, :n] + alpha * np.eye(n), centred[:, n:])
        mean = mean + self._offset
        return coef, mean[n:] - mean[:n] @ coef
