// SPDX-License-Identifier: MPL-2.0
/* What the exec benchmarks execute: the smallest ordinary static program. */
int main(void)
{
	return 0;
}
