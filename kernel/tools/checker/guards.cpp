// SPDX-License-Identifier: MPL-2.0
// Fields private to the core, and fields guarded by a lock: the lock of the *same* object is held by a
// guard in scope (or by the caller, REQUIRES), and the way to that object does not change meanwhile.
#include "rules.h"

using namespace clang;

namespace checker {

const Expr *Rules::without_address_of(const Expr *e)
{
	e = strip(e);
	auto *u = dyn_cast<UnaryOperator>(e);
	return u && u->getOpcode() == UO_AddrOf ? strip(u->getSubExpr()) : e;
}

const FieldDecl *Rules::lock_field(const Expr *e)
{
	e = without_address_of(e);
	if (auto *d = dyn_cast<DeclRefExpr>(e))
		return dyn_cast<FieldDecl>(d->getDecl());
	if (auto *m = dyn_cast<MemberExpr>(e))
		return dyn_cast<FieldDecl>(m->getMemberDecl());
	return nullptr;
}

// The lock expression of a guard variable: the first argument of the call that initialises it.
const Expr *Rules::guard_lock(const VarDecl *guard)
{
	auto *call = guard->getInit() ? dyn_cast<CallExpr>(guard->getInit()->IgnoreParenImpCasts()) : nullptr;
	return call && call->getNumArgs() ? without_address_of(call->getArg(0)) : nullptr;
}

namespace {
// Matches the expression of a REQUIRES on one declaration of a function with one in its body: the
// parameters are paired by position, since their names may differ between declarations.
bool same_path(const Expr *declared, const Expr *used)
{
	declared = declared->IgnoreParenImpCasts();
	used = used->IgnoreParenImpCasts();
	if (auto *a = dyn_cast<DeclRefExpr>(declared)) {
		auto *b = dyn_cast<DeclRefExpr>(used);
		if (!b)
			return false;
		auto *p = dyn_cast<ParmVarDecl>(a->getDecl()), *q = dyn_cast<ParmVarDecl>(b->getDecl());
		if (p && q)
			return p->getFunctionScopeIndex() == q->getFunctionScopeIndex();
		return a->getDecl()->getCanonicalDecl() == b->getDecl()->getCanonicalDecl();
	}
	auto *a = dyn_cast<MemberExpr>(declared), *b = dyn_cast<MemberExpr>(used);
	return a && b && a->getMemberDecl() == b->getMemberDecl() && a->isArrow() == b->isArrow() &&
	       same_path(a->getBase(), b->getBase());
}
const VarDecl *root_of(const Expr *e)
{
	for (;;) {
		e = e->IgnoreParenImpCasts();
		if (auto *m = dyn_cast<MemberExpr>(e))
			e = m->getBase();
		else if (auto *d = dyn_cast<DeclRefExpr>(e))
			return dyn_cast<VarDecl>(d->getDecl());
		else
			return nullptr;
	}
}
} // namespace

// Release callbacks and constructors: no other thread can reach the first parameter, nor an object that
// this function has just allocated.
bool Rules::is_exclusive(const MemberExpr *m)
{
	if (!function || !note(function, "svc.exclusive"))
		return false;
	auto *root = root_of(m);
	if (!root)
		return false;
	if (auto *p = dyn_cast<ParmVarDecl>(root)) {
		exclusive_by_parameter.insert(function->getCanonicalDecl());
		return p->getFunctionScopeIndex() == 0;
	}
	return root->hasLocalStorage();
}

bool Rules::VisitMemberExpr(MemberExpr *m)
{
	if (trusted(m->getMemberLoc()))
		return true;
	auto *member = m->getMemberDecl();
	if (note(member, "svc.private"))
		report(m->getMemberLoc(), "private", "field '" + member->getName().str() + "' is private to the core");
	auto *guarded = member->getAttr<GuardedByAttr>();
	if (!guarded || !function || is_exclusive(m))
		return true;
	auto *field = lock_field(guarded->getArg());
	if (!field)
		return true; // a global lock: clang's own analysis is exact
	auto protects = [&](const Expr *lock, auto &&compare) {
		auto *x = lock ? dyn_cast<MemberExpr>(lock) : nullptr;
		return x && x->getMemberDecl() == field && x->isArrow() == m->isArrow() &&
			compare(x->getBase(), m->getBase());
	};
	for (auto *guard : guards)
		if (protects(guard_lock(guard), [&](const Expr *a, const Expr *b) { return same(a, b); }))
			return true;
	for (auto *redeclaration : function->redecls())
		for (auto *a : redeclaration->specific_attrs<RequiresCapabilityAttr>())
			for (auto *e : a->args())
				if (protects(without_address_of(e), same_path))
					return true;
	report(m->getMemberLoc(), "guard",
		"'" + member->getName().str() + "' needs a guard or REQUIRES on the same object's '" +
			field->getName().str() + "'");
	return true;
}

// While a guard is in scope, the variable or field through which its lock was named keeps its value.
void Rules::guard_base_change_check(const Expr *assigned, SourceLocation where)
{
	for (auto *guard : guards) {
		const Expr *e = guard_lock(guard);
		while (e) {
			auto *m = dyn_cast<MemberExpr>(strip(e));
			e = m ? strip(m->getBase()) : nullptr;
			if (e && same(e, assigned)) {
				report(where, "guardbase",
					"this names the object whose lock a guard in scope holds: it must not "
					"change before the guard ends");
				return;
			}
		}
	}
}

} // namespace checker
